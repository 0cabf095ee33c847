/** Has the hub again on a throw-away host and uses it: what a fire drill does, from nothing but an escrow. */
import { hostName } from "../../config/schema.ts";
import type { EscrowContents } from "../../escrow/contents.ts";
import { describeHub } from "../../hub/hub.ts";
import { sizes } from "../../hub/sizes.ts";
import { UserError } from "../../hub/user-error.ts";
import type { DrillRecord } from "../../recovery/drill/record.ts";
import { CANARY_PROJECT } from "../../recovery/proof/canary.ts";
import type { Progress } from "../progress.ts";
import { adoptEscrow } from "./adopt-escrow.ts";
import { callTool, readChat, readFile, signIn } from "./as-user.ts";
import { digitalOcean } from "./digitalocean.ts";
import { drillContents, drillVolumeGib } from "./drill-settings.ts";
import { type HostShell, openHost } from "./host.ts";
import { hostRecovery } from "./host-recovery.ts";
import type { HubAddress } from "./hub-https.ts";
import { removeDrill } from "./remove-drill.ts";
import { newestPointBytes } from "./restic-here.ts";
import { type OpenStack, openStack, REHEARSAL } from "./stack.ts";
import { runOperation } from "./update.ts";
import type { Values } from "./verb.ts";

export interface Drill {
  record: DrillRecord;
  /** USD, of the droplet for the time it was there; undefined: its price is not known. */
  cost: number | undefined;
  minutes: number;
  /** Where the record lies on this machine; undefined: it is not signed, for the hub's stack has no key here. */
  noted?: string | undefined;
}

const nameOf = (values: Values) => (typeof values.stack === "string" ? values.stack : REHEARSAL);
/** Of the stack that a drill makes. */
export const drillName = (values: Values) => `${nameOf(values)}-drill`;
const cleanCommand = (values: Values) =>
  `npm run hub -- drill --clean${nameOf(values) === REHEARSAL ? "" : ` --stack ${nameOf(values)}`}`;

/** Ctrl-C ends what is under way; what was made is removed all the same. */
function stopOnSignal(): { stopped: Promise<never>; happened: () => boolean; off: () => void } {
  let signal = false;
  let refuse: (error: Error) => void = () => {};
  const stopped = new Promise<never>((_resolve, reject) => {
    refuse = reject;
  });
  stopped.catch(() => {});
  const stop = () => {
    signal = true;
    refuse(new UserError("Stopped on request"));
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, stop);
  return {
    stopped,
    happened: () => signal,
    off: () => {
      for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(name, stop);
    },
  };
}

export async function runDrill(
  contents: EscrowContents,
  values: Values,
  progress: Progress,
): Promise<Drill> {
  const signal = stopOnSignal();
  const record: DrillRecord = {
    version: 1,
    time: new Date().toISOString(),
    stack: contents.stack,
    ok: false,
    point: null,
    recoveryTimeSeconds: null,
    recoveryPointSeconds: null,
    checks: [],
    versions: {},
  };
  const cidrs = [values["admin-cidr"] ?? []].flat().map(String);
  const size =
    typeof values.size === "string" ? values.size : (contents.settings.size ?? "s-2vcpu-4gb");
  if (!(size in sizes)) {
    throw new UserError(
      `There is no size "${size}" that the hub knows: ${Object.keys(sizes).join(", ")}`,
    );
  }
  const given = drillContents(contents, {
    size,
    volumeSizeGib: drillVolumeGib(
      await newestPointBytes(contents.repository),
      Number(contents.settings.volumeSizeGib ?? 50),
    ),
    ...(cidrs.length > 0 ? { adminCidrs: cidrs } : {}),
  });
  const options = { ...values, stack: drillName(values) };
  let open = await openStack(options, progress);
  let began = Date.now();
  /** What is still there of it, and why. */
  let left: string | undefined;
  try {
    // What a drill that was killed left would only be in the way.
    await removeDrill(open);
    await open.close();
    began = Date.now();
    record.time = new Date(began).toISOString();
    open = await openStack(options, progress);
    await attempt(record, "everything", async () => {
      await adoptEscrow(open, given, { force: true });
      const { settings } = describeHub(await open.config());
      await step(record, "a host from nothing", () =>
        progress.step("Making the drill's host", async () => {
          await runOperation(open, (each) => open.stack.up({ ...each, parallel: 8 }));
          return { detail: settings.size };
        }),
      );
      if (signal.happened()) throw new UserError("Stopped on request");
      await Promise.race([use(open, contents, record, began, progress), signal.stopped]);
    });
    record.ok = record.checks.length > 0 && record.checks.every(({ ok }) => ok);
  } finally {
    try {
      if (values.keep === true && !signal.happened()) {
        left = `the drill's host stays and goes on costing; ${cleanCommand(values)} removes it`;
        progress.note(left);
      } else {
        // How the drill went is known by now and must not be lost.
        await removeDrill(open).catch((error) => {
          left = `THE DRILL'S HOST IS STILL THERE and goes on costing: ${said(error)}\n  fix: ${cleanCommand(values)}`;
          record.checks.push({ name: "removed all that the drill made", ok: false, detail: left });
          progress.note(left);
        });
      }
    } finally {
      await open.close();
      signal.off();
    }
  }
  if (signal.happened()) {
    throw new UserError(`Stopped on request; ${left ?? "what the drill had made is removed"}`);
  }
  const minutes = (Date.now() - began) / 60_000;
  return { record, minutes, cost: await costOf(size, minutes) };
}

/** Restores into the new hub and uses it. */
async function use(
  open: OpenStack,
  { settings, passwords }: EscrowContents,
  record: DrillRecord,
  began: number,
  progress: Progress,
): Promise<void> {
  const outputs = await open.stack.outputs();
  const config = await open.config();
  const hub: HubAddress = {
    address: String(outputs.ipAddress?.value),
    hostName: hostName(config.settings),
    ca: outputs.caCertificate?.value as string | undefined,
  };
  record.versions.release = String(outputs.release?.value);
  const host = await openHost(open);
  try {
    const restored = await step(record, "restored from the newest point", () =>
      progress.step("Bringing back the newest recovery point", (log) => restore(host, log)),
    );
    record.point = { name: restored.point, snapshot: restored.snapshot, time: restored.time };
    record.recoveryPointSeconds = Math.max(
      0,
      Math.round((began - Date.parse(restored.time)) / 1000),
    );
    const session = await step(record, "signed in with the escrow's password", async () => {
      const email = settings.adminEmail ?? config.settings.adminEmail;
      return { detail: email, token: await signIn(hub, email, passwords.adminPassword) };
    });
    const chat = await step(record, "read a chat", () => readChat(hub, session.token));
    const path = await knownFile(host);
    const file = await step(record, "read a file", () => readFile(hub, session.token, path));
    await step(record, "called a tool", async () => {
      const [project = "", ...rest] = path.split("/");
      const text = await callTool(hub, passwords.mcpToken, "read_code", {
        project,
        path: rest.join("/"),
      });
      const [line = ""] = file.text.split("\n");
      if (!text.includes(line)) {
        throw new UserError(`read_code of ${path} does not hold what the file manager shows`);
      }
      return { detail: `read_code of ${path}` };
    });
    record.recoveryTimeSeconds = Math.round((Date.now() - began) / 1000);
    const canary = /canary-[\w-]+/.exec(file.text)?.[0];
    if (path.startsWith(`${CANARY_PROJECT}/`) && canary !== undefined) {
      await step(record, "chat and file are of the same moment", async () => {
        if (!chat.text.includes(canary)) {
          throw new UserError("The canary's chat does not hold the token of its file");
        }
        return { detail: "both hold the canary's token" };
      });
    }
    await step(record, "as many rows as the point says", () =>
      progress.step("Reading the point once more, independently", (log) =>
        compareRows(host, restored, log),
      ),
    );
  } finally {
    host.close();
  }
}

interface Restored {
  point: string;
  snapshot: string;
  time: string;
  rows: Record<string, number>;
}

async function restore(
  host: HostShell,
  log: (line: string) => void,
): Promise<Restored & { detail: string }> {
  const restored = await hostRecovery<Restored>(
    host,
    ["restore", "hub", "--fresh", "--point", "latest"],
    { note: log },
  );
  return { ...restored, detail: `${restored.point} of ${restored.time}` };
}

/** Tables that nothing but people adds to or takes from. */
const PEOPLES = ["user", "chat", "file"].map((table) => `public.${table}`);

async function compareRows(
  host: HostShell,
  restored: Restored,
  log: (line: string) => void,
): Promise<{ detail: string }> {
  const proof = await hostRecovery<{
    snapshot?: string;
    good: boolean;
    problems: { what: string }[];
    rows: Record<string, number>;
  }>(host, ["prove"], { note: log });
  if (!proof.good) throw new UserError(proof.problems.map(({ what }) => what).join("; "));
  if (proof.snapshot?.slice(0, 8) !== restored.snapshot.slice(0, 8)) {
    return { detail: "a newer point was made meanwhile; it was read whole" };
  }
  for (const table of PEOPLES) {
    const [there = 0, wanted = 0] = [restored.rows[table], proof.rows[table]];
    if (there !== wanted) {
      throw new UserError(`${table} has ${there} rows, and the point ${wanted}`);
    }
  }
  const all = Object.values(proof.rows).reduce((sum, rows) => sum + rows, 0);
  const rows = PEOPLES.map((table) => `${proof.rows[table] ?? 0} in ${table.slice(7)}`);
  return { detail: [...rows, `${all} in all`].join(", ") };
}

/** The canary's file where there is one, else any of a project. */
async function knownFile(host: HostShell): Promise<string> {
  const { stdout } = await host.run(
    `cd /data/workspace && { [ -f ${CANARY_PROJECT}/canary.txt ] && echo ${CANARY_PROJECT}/canary.txt || find . -mindepth 2 -type f -size -64k -not -path '*/.*' | sort | head -n 1 | cut -c3-; }`,
  );
  const path = stdout.trim();
  if (!path) throw new UserError("There is no file in the workspace that could be read");
  return path;
}

/** Notes how it went; a failure ends the drill. */
async function step<T extends { detail: string }>(
  record: DrillRecord,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    const result = await work();
    record.checks.push({ name, ok: true, detail: result.detail });
    return result;
  } catch (error) {
    record.checks.push({ name, ok: false, detail: said(error) });
    throw error;
  }
}

/** What goes wrong is in the record, and the rest is still done. */
async function attempt(
  record: DrillRecord,
  name: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!record.checks.some(({ ok }) => !ok)) {
      record.checks.push({ name, ok: false, detail: said(error) });
    }
  }
}

export function said(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1000);
}

async function costOf(size: string, minutes: number): Promise<number | undefined> {
  const all = await digitalOcean()
    .list<{ slug: string; price_hourly: number }>("/v2/sizes", "sizes")
    .catch(() => []);
  const hourly = all.find(({ slug }) => slug === size)?.price_hourly;
  return hourly === undefined ? undefined : (hourly * minutes) / 60;
}
