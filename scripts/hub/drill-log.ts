/** Records of fire drills on this machine: one signed line each, the newest last. */
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import ssh from "ssh2";
import {
  type DrillRecord,
  drillText,
  isGenuine,
  type SignedDrill,
  signedDrillSchema,
} from "../../recovery/drill/record.ts";
import { localState } from "./local-state.ts";
import type { OpenStack } from "./stack.ts";

const FILE = "drills.jsonl";

export interface LoggedDrill {
  drill: SignedDrill;
  genuine: boolean;
}

/** @throws when the key is none */
export function signDrill(record: DrillRecord, privateKey: string): SignedDrill {
  const key = ssh.utils.parseKey(privateKey);
  if (key instanceof Error) throw key;
  const signature: Buffer | Error = key.sign(drillText(record)) as unknown as Buffer | Error;
  if (signature instanceof Error) throw signature;
  return {
    record,
    key: `${key.type} ${key.getPublicSSH().toString("base64")}`,
    signature: signature.toString("base64"),
  };
}

/** The public key of the stack, which signs its drills; undefined: it has made none yet. */
export async function signingKey(
  open: Pick<OpenStack, "stack">,
): Promise<{ privateKey: string; publicKey: string } | undefined> {
  const privateKey = (await open.stack.outputs()).sshPrivateKey?.value as string | undefined;
  if (!privateKey) return undefined;
  const key = ssh.utils.parseKey(privateKey);
  if (key instanceof Error) return undefined;
  return { privateKey, publicKey: `${key.type} ${key.getPublicSSH().toString("base64")}` };
}

export async function noteDrill(
  open: Pick<OpenStack, "stack" | "instance">,
  drill: SignedDrill,
): Promise<string> {
  const path = join(await localState(open), FILE);
  await appendFile(path, `${JSON.stringify(drill)}\n`, { mode: 0o600 });
  return path;
}

/** The newest last. What is no record is left out. */
export async function loggedDrills(
  open: Pick<OpenStack, "stack" | "instance">,
): Promise<LoggedDrill[]> {
  const text = await readFile(join(await localState(open), FILE), "utf8").catch(() => "");
  return drillsOf(text, (await signingKey(open))?.publicKey);
}

/** @param publicKey of the stack; undefined: none of them can be believed */
export function drillsOf(text: string, publicKey: string | undefined): LoggedDrill[] {
  return text.split("\n").flatMap((line) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return [];
    }
    const drill = signedDrillSchema.safeParse(value).data;
    if (!drill) return [];
    return [{ drill, genuine: publicKey !== undefined && isGenuine(drill, [publicKey]) }];
  });
}

/** ISO time of the last one that was good and is genuine. */
export async function lastGoodDrill(
  open: Pick<OpenStack, "stack" | "instance">,
): Promise<string | undefined> {
  const good = (await loggedDrills(open)).filter(
    ({ drill, genuine }) => genuine && drill.record.ok,
  );
  return good
    .map(({ drill }) => drill.record.time)
    .sort()
    .at(-1);
}
