import { resolve } from "node:path";
import { openEscrow } from "../../escrow/open.ts";
import { UserError } from "../../hub/user-error.ts";
import { lineProgress, type Progress, silent } from "../progress.ts";
import { loggedDrills, noteDrill, signDrill, signingKey } from "./drill-log.ts";
import { escrowKey, readGiven } from "./escrow-key.ts";
import { openHost } from "./host.ts";
import { hostRecovery } from "./host-recovery.ts";
import { removeDrill } from "./remove-drill.ts";
import { type Drill, drillName, runDrill, said } from "./run-drill.ts";
import { openStack } from "./stack.ts";
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
