import { mkdir, open, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { UserError } from "../../hub/user-error.ts";
import { isGenuine, type SignedDrill, signedDrillSchema } from "../drill/record.ts";
import { RECOVERY } from "../place.ts";
import { record } from "../report.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

/** The hub's own key lets its owner in here, and signs the records of drills. */
const OWN_KEYS = process.env.AIHUB_AUTHORIZED_KEYS ?? join(homedir(), ".ssh/authorized_keys");
/** One record a line, the newest last; in every recovery point. */
const LOG = join(RECOVERY, "drills.jsonl");

export const recordDrill: RecoveryVerb = {
  summary: "notes the signed record of a fire drill, which it reads from standard input",
  lockSeconds: 600,
  async run(values) {
    const drill = read(await text(process.stdin));
    if (!isGenuine(drill, await ownKeys())) {
      throw new UserError(
        "The record of the drill is not signed by the hub's own key, so it is not taken.\n  fix: run the drill where the hub's stack can be opened",
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
    const { time, ok, recoveryTimeSeconds, recoveryPointSeconds } = drill.record;
    await record((state) => {
      if (state.lastDrill && state.lastDrill.time > time) return;
      state.lastDrill = {
        time,
        ok,
        recoveryTimeSeconds: recoveryTimeSeconds ?? 0,
        recoveryPointSeconds: recoveryPointSeconds ?? 0,
      };
      if (ok) state.lastGoodDrill = time;
    });
    answer({ noted: time, ok }, `The drill of ${time} is noted\n`, values.json === true);
    return 0;
  },
};

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
