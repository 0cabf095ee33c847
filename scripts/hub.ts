/** `npm run hub -- <verb>`: runs the hub's program and looks after what it made. */
import { UserError } from "../hub/user-error.ts";
import { explain } from "./hub/explain.ts";
import { overview, type Verb } from "./hub/verb.ts";

const verbs: Record<string, () => Promise<{ verb: Verb }>> = {
  up: () => import("./hub/up.ts"),
  preview: () => import("./hub/preview.ts"),
  outputs: () => import("./hub/outputs.ts"),
  status: () => import("./hub/status.ts"),
  logs: () => import("./hub/logs.ts"),
  ssh: () => import("./hub/ssh.ts"),
  config: () => import("./hub/config.ts"),
  token: () => import("./hub/token.ts"),
  point: () => import("./hub/point.ts"),
  points: () => import("./hub/points.ts"),
  restore: () => import("./hub/restore.ts"),
  escrow: () => import("./hub/escrow.ts"),
  "replace-host": () => import("./hub/replace-host.ts"),
  resize: () => import("./hub/resize.ts"),
  drill: () => import("./hub/drill.ts"),
  destroy: () => import("./hub/destroy.ts"),
  doctor: () => import("./hub/doctor.ts"),
  pulumi: () => import("./hub/pulumi.ts"),
};

// A reader that goes away, as in `npm start | head`, must not end a run half-way.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const [name = "--help", ...args] = process.argv.slice(2);
try {
  if (name === "--help" || name === "-h" || name === "help") {
    const all = await Promise.all(Object.values(verbs).map(async (load) => (await load()).verb));
    process.stdout.write(overview(all));
  } else {
    const load = verbs[name];
    if (!load) {
      throw new UserError(`There is no verb "${name}"; npm run hub -- --help lists them`);
    }
    process.exitCode = await (await load()).verb.main(args);
  }
} catch (error) {
  // What a person can act on is shown without a stack trace.
  process.stderr.write(`\n✘ ${shown(error)}\n`);
  process.exitCode = 1;
}
// Open connections of a provider or an SSH session must not keep a finished command from ending.
process.exit();

function shown(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof UserError) return error.message;
  if (/^(Command|ConcurrentUpdate|StackNotFound)Error$/.test(error.name)) return explain(error);
  return error.stack ?? error.message;
}
