import { UserError } from "../../hub/user-error.ts";
import { openHub } from "../open-hub.ts";
import { operationKinds } from "../operations.ts";
import { progress } from "../progress.ts";
import { type Standing, standing } from "../report.ts";
import { look } from "../restore/look.ts";
import { type OpenPoint, openPoint } from "../restore/open-point.ts";
import { previewFiles, previewHub, previewText } from "../restore/preview.ts";
import { type RestoredFiles, restoreFiles } from "../restore/restore-files.ts";
import { type Restored, restoreHub } from "../restore/restore-hub.ts";
import { sweepSetAside } from "../restore/set-aside.ts";
import { projectName, workspacePath } from "../restore/workspace-path.ts";
import { resume } from "../resume.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

const USAGE =
  "restore hub | chats | project NAME [--as NEWNAME] | file PATH, each with [--dry-run]; look [PATH...] [--to FOLDER]; all with [--point POINT]";

export const restore: RecoveryVerb = {
  summary: `brings back: ${USAGE}`,
  options: {
    point: { type: "string" },
    as: { type: "string" },
    to: { type: "string" },
    "dry-run": { type: "boolean" },
    fresh: { type: "boolean" },
    "without-safety-copy": { type: "boolean" },
  },
  lockSeconds: 3600,
  async run(values, [what, ...names]) {
    const json = values.json === true;
    const options = {
      fresh: values.fresh === true,
      withoutSafetyCopy: values["without-safety-copy"] === true,
    };
    // Wrong words are told before anything is opened.
    const ask = question(what, names, values.as);
    const dryRun = values["dry-run"] === true;
    if (dryRun && ask.what === "look") {
      throw new UserError("look changes nothing, so it has no --dry-run");
    }
    if (!dryRun && ask.what !== "look") await resume(operationKinds, progress);
    if (!dryRun) await sweepSetAside();
    const hub = await openHub();
    const opened = await openPoint(hub.repository, String(values.point ?? "latest"));
    if (options.fresh && values.point === undefined) requireOfBefore(opened, await standing());
    progress.note(`Recovery point ${opened.point.name} (${opened.snapshot.slice(0, 8)})`);
    if (ask.what === "look") {
      const found = await look(hub, opened, {
        paths: ask.paths,
        ...(typeof values.to === "string" ? { to: values.to } : {}),
      });
      answer(
        found,
        `${found.files} files and folders of ${found.point} lie in ${found.folder}\n`,
        json,
      );
      return 0;
    }
    if (ask.what === "files") {
      if (dryRun) {
        const preview = await previewFiles(hub, opened, ask);
        answer(preview, previewText(preview), json);
        return 0;
      }
      const { from, to } = ask;
      const { withoutSafetyCopy } = options;
      const done = await restoreFiles(hub, opened, { from, to, withoutSafetyCopy }, progress);
      answer(done, filesText(done), json);
      return 0;
    }
    if (dryRun) {
      const preview = await previewHub(hub, opened, { what: ask.what, fresh: options.fresh });
      answer(preview, previewText(preview), json);
      return 0;
    }
    const done = await restoreHub(hub, opened, { what: ask.what, ...options }, progress);
    answer(done, hubText(done), json);
    return 0;
  },
};

/** @throws UserError: a host that is to be given another's data has made the newest point itself */
function requireOfBefore({ point }: OpenPoint, { since }: Pick<Standing, "since">): void {
  if (Date.parse(point.time) < Date.parse(since)) return;
  throw new UserError(
    `The newest recovery point, ${point.name}, is of this host, which began at ${since}.\n  fix: name the one to bring back with --point; aihub-recovery points lists them (npm run hub -- points)`,
  );
}

type Question =
  | { what: "hub" | "chats" }
  | { what: "files"; from: string; to: string }
  | { what: "look"; paths: string[] };

function question(
  what: string | undefined,
  names: readonly string[],
  as: string | boolean | undefined,
): Question {
  if (as !== undefined && what !== "project") throw new UserError("--as is for a project");
  const [name] = names;
  if ((what === "hub" || what === "chats") && name === undefined) return { what };
  if (what === "look") return { what, paths: [...names] };
  if ((what === "project" || what === "file") && name !== undefined && names.length === 1) {
    const from = what === "project" ? projectName(name) : workspacePath(name);
    return { what: "files", from, to: typeof as === "string" ? projectName(as) : from };
  }
  throw new UserError(`What is to be brought back?\n  aihub-recovery ${USAGE}`);
}

function filesText(done: RestoredFiles): string {
  const lines = [
    `${done.to} is as it was at ${done.time}: ${done.files} files, ${done.bytes} bytes`,
    ...(done.setAside ? [`what was there is kept for a week in ${done.setAside}`] : []),
    ...presentText(done.pointOfThePresent),
  ];
  return `${lines.join("\n  ")}\n`;
}

function hubText(done: Restored): string {
  const tables = ["user", "chat", "file"].map(
    (table) => `${done.rows[`public.${table}`] ?? 0} in ${table}`,
  );
  const lines = [
    `The ${done.what === "hub" ? "hub is" : "chats are"} as of ${done.time} (${done.point})`,
    `rows: ${tables.join(", ")}, ${Object.values(done.rows).reduce((sum, rows) => sum + rows, 0)} in all`,
    ...(done.files
      ? [
          `files: ${done.files.restored} brought back (${done.files.bytes} bytes), ${done.files.removed} removed`,
        ]
      : []),
    ...(done.cacheKeys === undefined ? [] : [`cache: ${done.cacheKeys} keys`]),
    ...done.notes,
    ...presentText(done.pointOfThePresent),
    `${done.seconds.toFixed(1)} s, of which the chat did not answer for ${done.downtimeSeconds.toFixed(1)} s`,
  ];
  return `${lines.join("\n  ")}\n`;
}

function presentText(snapshot: string | undefined): string[] {
  return snapshot === undefined
    ? []
    : [`how it was before: --point ${snapshot.slice(0, 8)} brings it back`];
}
