import { resolve } from "node:path";
import { hostName } from "../../config/schema.ts";
import type { EscrowContents } from "../../escrow/contents.ts";
import { openEscrow } from "../../escrow/open.ts";
import { describeHub } from "../../hub/hub.ts";
import { sizes } from "../../hub/sizes.ts";
import { UserError } from "../../hub/user-error.ts";
import type { DrillRecord } from "../../recovery/drill/record.ts";
import { CANARY_PROJECT } from "../../recovery/proof/canary.ts";
import { lineProgress, type Progress, silent } from "../progress.ts";
import { adoptEscrow } from "./adopt-escrow.ts";
import { callTool, type Hub, readChat, readFile, signIn } from "./as-user.ts";
import { digitalOcean } from "./digitalocean.ts";
import { loggedDrills, noteDrill, signDrill, signingKey } from "./drill-log.ts";
import { drillContents, drillVolumeGib } from "./drill-settings.ts";
import { escrowKey, readGiven } from "./escrow-key.ts";
import { type HostShell, openHost } from "./host.ts";
import { hostRecovery } from "./host-recovery.ts";
import { removeDrill } from "./remove-drill.ts";
import { newestPointBytes } from "./restic-here.ts";
import { type OpenStack, openStack, REHEARSAL } from "./stack.ts";
import { runOperation } from "./update.ts";
import { defineVerb, type Values } from "./verb.ts";

export const verb = defineVerb({
  name: "drill",
  summary:
    "Fire drill: has the hub again on a throw-away host, from nothing but its backups and its escrow, uses it, and removes it",
  options: {
    escrow: { type: "string", help: "FILE  the escrow of the hub" },
    identity: { type: "string", help: "FILE  age identity that opens the escrow" },
    "passphrase-file": {
      type: "string",
      help: "FILE  its first line is the passphrase; else it is asked for",
    },
    size: { type: "string", help: "SLUG  of the drill's host; default: the hub's own" },
    "admin-cidr": {
      type: "string",
      multiple: true,
      help: "RANGE  address range that this machine reaches SSH from, where it is not among the hub's adminCidrs",
    },
    keep: { type: "boolean", help: "leave the drill's host for a look; drill --clean removes it" },
    clean: { type: "boolean", help: "only remove what an earlier drill left" },
    show: { type: "boolean", help: "list the drills so far, and whether each record is genuine" },
    json: { type: "boolean", help: "print JSON and nothing else" },
  },
  async run(values) {
    const progress = values.json === true ? silent : lineProgress();
    if (values.show === true) return show(values);
    if (values.clean === true) return clean(values, progress);
    if (typeof values.escrow !== "string") {
      throw new UserError("Which escrow? --escrow FILE; npm run hub -- drill --help shows more");
    }
    const contents = await openEscrow(
      await readGiven(resolve(values.escrow)),
      await escrowKey(values),
    );
    const drill = await runDrill(contents, values, progress);
    await tellHub(values, drill, progress);
    report(values, drill);
    return drill.record.checks.every(({ ok }) => ok) && drill.record.ok ? 0 : 1;
  },
});

interface Drill {
  record: DrillRecord;
  /** USD, of the droplet for the time it was there; undefined: its price is not known. */
  cost: number | undefined;
  minutes: number;
  /** Where the record lies on this machine; undefined: it is not signed, for the hub's stack has no key here. */
  noted?: string | undefined;
}

const nameOf = (values: Values) => (typeof values.stack === "string" ? values.stack : REHEARSAL);
const drillName = (values: Values) => `${nameOf(values)}-drill`;

async function clean(values: Values, progress: Progress): Promise<number> {
  const open = await openStack({ ...values, stack: drillName(values) }, progress);
  try {
    await removeDrill(open);
  } finally {
    await open.close();
  }
  process.stdout.write(values.json ? "{}\n" : "Nothing of a drill is left.\n");
  return 0;
}

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

async function runDrill(
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
        progress.note(
          `the drill's host stays and goes on costing; npm run hub -- drill --clean${nameOf(values) === REHEARSAL ? "" : ` --stack ${nameOf(values)}`} removes it`,
        );
      } else {
        // How the drill went is known by now and must not be lost.
        await removeDrill(open).catch((error) => {
          record.checks.push({
            name: "removed all that the drill made",
            ok: false,
            detail: said(error),
          });
          progress.note(`the drill's host is still there: ${said(error)}`);
        });
      }
    } finally {
      await open.close();
      signal.off();
    }
  }
  if (signal.happened()) {
    throw new UserError("Stopped on request; what the drill had made is removed");
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
  const hub: Hub = {
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

function said(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1000);
}

async function costOf(size: string, minutes: number): Promise<number | undefined> {
  const all = await digitalOcean()
    .list<{ slug: string; price_hourly: number }>("/v2/sizes", "sizes")
    .catch(() => []);
  const hourly = all.find(({ slug }) => slug === size)?.price_hourly;
  return hourly === undefined ? undefined : (hourly * minutes) / 60;
}

/** Signs the record by the hub's key, keeps it here, and tells the hub's host when it answers. */
async function tellHub(values: Values, drill: Drill, progress: Progress): Promise<void> {
  const open = await openStack(values, progress, "engine");
  try {
    const key = await signingKey(open);
    if (!key) {
      progress.note("the stack of the hub has no key here: the record is not signed and not kept");
      return;
    }
    const signed = signDrill(drill.record, key.privateKey);
    drill.noted = await noteDrill(open, signed);
    const host = await openHost(open);
    try {
      await hostRecovery(host, ["record-drill"], { input: JSON.stringify(signed) });
    } finally {
      host.close();
    }
  } catch (error) {
    progress.note(`the hub's host was not told of the drill: ${said(error).split("\n")[0]}`);
  } finally {
    await open.close();
  }
}

function report(values: Values, { record, cost, minutes, noted }: Drill): void {
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ ...record, minutes: Math.round(minutes * 10) / 10, cost: cost ?? null, noted: noted ?? null })}\n`,
    );
    return;
  }
  process.stdout.write(
    [
      "",
      ...record.checks.map(({ name, ok, detail }) => `${ok ? "✔" : "✘"} ${name}: ${detail}`),
      "",
      `${record.ok ? "The hub comes back" : "THE HUB DOES NOT COME BACK"} from ${record.point?.name ?? "no point"}`,
      `  recovery time   ${duration(record.recoveryTimeSeconds)}, from the start until all was read`,
      `  recovery point  ${duration(record.recoveryPointSeconds)}, the age of the data`,
      `  cost            ${cost === undefined ? "unknown" : `${cost.toFixed(3)} USD`} for ${minutes.toFixed(0)} minutes of the droplet`,
      "",
    ].join("\n"),
  );
}

function duration(seconds: number | null): string {
  if (seconds === null) return "not reached";
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  return minutes < 60
    ? `${minutes} min ${rest} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

async function show(values: Values): Promise<number> {
  const open = await openStack(values, silent, "engine");
  try {
    const drills = await loggedDrills(open);
    if (values.json) {
      process.stdout.write(
        `${JSON.stringify(drills.map(({ drill, genuine }) => ({ ...drill.record, genuine })))}\n`,
      );
    } else if (drills.length === 0) process.stdout.write("No drill so far.\n");
    for (const { drill, genuine } of values.json ? [] : drills) {
      const { time, ok, point, recoveryTimeSeconds, recoveryPointSeconds } = drill.record;
      process.stdout.write(
        `${ok ? "✔" : "✘"} ${time}  ${point?.name ?? "no point"}  back in ${duration(recoveryTimeSeconds)}, data ${duration(recoveryPointSeconds)} old${genuine ? "" : "  NOT GENUINE: not signed by this hub's key, or changed since"}\n`,
      );
    }
    return drills.every(({ genuine }) => genuine) ? 0 : 1;
  } finally {
    await open.close();
  }
}
