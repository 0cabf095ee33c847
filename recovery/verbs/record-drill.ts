import { mkdir, open, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { UserError } from "../../hub/user-error.ts";
import {
  type DrillRecord,
  isGenuine,
  type SignedDrill,
  signedDrillSchema,
} from "../drill/record.ts";
import { RECOVERY } from "../place.ts";
import { isAhead } from "../proof/ahead.ts";
import { record, type Standing } from "../report.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

/** The hub's own key lets its owner in here, and signs the records of drills. */
const OWN_KEYS = process.env.AIHUB_AUTHORIZED_KEYS ?? join(homedir(), ".ssh/authorized_keys");
/** One record a line, the newest last; in every recovery point. */
const LOG = join(RECOVERY, "drills.jsonl");

export const recordDrill: RecoveryVerb = {
  summary: "notes the signed record of a fire drill, which it reads from standard input",
  async run(values) {
    const drill = read(await text(process.stdin));
    if (!isGenuine(drill, await ownKeys())) {
      throw new UserError(
        "The record of the drill is not signed by the hub's own key, so it is not taken.\n  fix: run the drill where the hub's stack can be opened",
      );
    }
    const { time, ok } = drill.record;
    if (isAhead(time, new Date())) {
      throw new UserError(
        `The drill of ${time} lies ahead of this host's clock, so it is not taken.\n  fix: set the clock that is wrong, of the host or of the machine that held the drill; then hold another: npm run hub -- drill --escrow FILE`,
      );
    }
    await mkdir(RECOVERY, { recursive: true, mode: 0o700 });
    const file = await open(LOG, "a", 0o600);
    try {
      await file.appendFile(`${JSON.stringify(drill)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await record((state) => noteDrill(state, drill.record, new Date()));
    answer({ noted: time, ok }, `The drill of ${time} is noted\n`, values.json === true);
    return 0;
  },
};

/** The last one is kept; one that was noted by a clock that was ahead would stay the last for ever. */
export function noteDrill(
  state: Standing,
  { time, ok, recoveryTimeSeconds, recoveryPointSeconds }: DrillRecord,
  now: Date,
): void {
  const last = state.lastDrill?.time;
  if (last !== undefined && last > time && !isAhead(last, now)) return;
  state.lastDrill = {
    time,
    ok,
    recoveryTimeSeconds: recoveryTimeSeconds ?? 0,
    recoveryPointSeconds: recoveryPointSeconds ?? 0,
  };
  if (ok) state.lastGoodDrill = time;
}

function read(line: string): SignedDrill {
  try {
    return signedDrillSchema.parse(JSON.parse(line));
  } catch {
    throw new UserError("What came on standard input is no record of a drill");
  }
}

async function ownKeys(): Promise<string[]> {
  const lines = (await readFile(OWN_KEYS, "utf8").catch(() => "")).split("\n");
  return lines.flatMap((line) => /ssh-ed25519 \S+/.exec(line)?.[0] ?? []);
}
