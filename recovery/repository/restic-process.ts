/** One run of restic: its output as a stream, its end as a fact, its complaints as errors. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { z } from "zod";
import { kindOf, RepositoryError } from "./repository-error.ts";

export interface ResticRun {
  program: string;
  args: readonly string[];
  /** All of the child's environment. */
  env: Record<string, string>;
  /** For messages. */
  location: string;
  /** Never shown in a message. */
  secrets: readonly string[];
  /** Milliseconds for which one operation on the storage may fail and be tried again. */
  patience: number;
  signal?: AbortSignal | undefined;
}

export interface ResticProcess {
  stdout: Readable;
  /** Settles when the process is gone and its output was taken; never rejects. */
  ended: Promise<Ended>;
  /** Asks it to stop; it removes its lock before it goes. Its output is then to be destroyed or taken to the end. */
  stop(): void;
}

export interface Ended {
  /** Null: ended by a signal. */
  code: number | null;
  /** Set unless the code is 0. */
  error?: RepositoryError;
  /** Files that could not be read or written: the first hundred that were not there, and of the others. */
  items: { item: string; reason: string }[];
  /** The last lines that were no error of an item. */
  said: string[];
}

const GRACE_MS = 30_000;
const MOST_ITEMS = 100;

/** What went while it was copied: may be many, and must not hide the one with another fault. */
const notThere = ({ reason }: Ended["items"][number]) => /no such file or directory/i.test(reason);

const complaint = z.union([
  z.object({ message_type: z.literal("exit_error"), message: z.string() }),
  z.object({
    message_type: z.literal("error"),
    error: z.object({ message: z.string() }),
    item: z.string(),
  }),
  z.object({ message_type: z.literal("error"), message: z.string() }),
]);

export function startRestic(run: ResticRun): ResticProcess {
  run.signal?.throwIfAborted();
  const child = spawn(run.program, run.args, {
    env: run.env,
    // With a terminal, restic would ask for a password on it.
    stdio: ["ignore", "pipe", "pipe"],
  });
  let gone = false;
  const stop = () => {
    if (gone) return;
    child.kill("SIGINT");
    setTimeout(() => child.kill("SIGKILL"), GRACE_MS).unref();
  };
  run.signal?.addEventListener("abort", stop);

  const said: string[] = [];
  const items: Ended["items"] = [];
  let exitMessage: string | undefined;
  let gaveUp: string | undefined;
  const failing = new Map<string, NodeJS.Timeout>();
  const giveUp = (reason: string) => {
    gaveUp ??= reason;
    stop();
  };

  createInterface({ input: child.stderr }).on("line", (line) => {
    const parsed = complaintOf(line);
    const skipped = /^(.*) does not exist, skipping$/.exec(line)?.[1];
    if (parsed?.message_type === "exit_error") {
      exitMessage = parsed.message;
    } else if (parsed !== undefined && "item" in parsed) {
      const one = { item: parsed.item, reason: parsed.error.message };
      const alike = items.filter((other) => notThere(other) === notThere(one));
      if (alike.length < MOST_ITEMS) items.push(one);
    } else if (skipped !== undefined) {
      items.push({ item: skipped, reason: "does not exist" });
    } else if (line.startsWith("panic: ")) {
      // It crashed over content that is no content; where in its code is of no use here.
      exitMessage = line;
    } else {
      said.push(parsed?.message ?? line);
      if (said.length > 20) said.shift();
    }
    const retried = /^(\w+\(.*?\)) returned error, retrying after .*?: (.*)$/.exec(line);
    if (retried) {
      const [, operation = "", reason = ""] = retried;
      // Trying again helps against a network that is away, not against a refusal.
      if (kindOf(null, reason) === "denied") giveUp(reason);
      else if (!failing.has(operation))
        failing.set(
          operation,
          setTimeout(() => giveUp(reason), run.patience),
        );
    }
    const recovered = /^(\w+\(.*?\)) operation successful after /.exec(line);
    if (recovered) {
      clearTimeout(failing.get(recovered[1] ?? ""));
      failing.delete(recovered[1] ?? "");
    }
  });

  const ended = new Promise<Ended>((resolve) => {
    const finish = (code: number | null, failure?: string) => {
      gone = true;
      for (const timer of failing.values()) clearTimeout(timer);
      run.signal?.removeEventListener("abort", stop);
      if (code === 0 && gaveUp === undefined) return resolve({ code, items, said });
      const text = [exitMessage, ...items.map(({ item, reason }) => `${item}: ${reason}`), ...said];
      const full = text.filter((one) => one !== undefined).join("\n");
      const kind = gaveUp === undefined ? kindOf(code, full) : kindOf(null, gaveUp);
      const reason =
        gaveUp ??
        failure ??
        shortened(exitMessage, items, said) ??
        `restic ended with ${code ?? "a signal"}`;
      const error = new RepositoryError(
        // What was tried again and again without a known reason is away.
        kind === "other" && gaveUp !== undefined ? "unreachable" : kind,
        run.location,
        redacted(reason, run.secrets),
      );
      resolve({ code, error, items, said });
    };
    child.once("error", (error) => finish(null, error.message));
    child.once("close", (code) => finish(code));
  });
  return { stdout: child.stdout, ended, stop };
}

/** Takes all output and the end. @throws RepositoryError */
export async function runRestic(run: ResticRun): Promise<string> {
  const { stdout, ended } = startRestic(run);
  const chunks: Buffer[] = [];
  for await (const chunk of stdout) chunks.push(chunk as Buffer);
  const { error } = await ended;
  if (error !== undefined) throw error;
  return Buffer.concat(chunks).toString();
}

function complaintOf(line: string): z.infer<typeof complaint> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return complaint.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function shortened(
  exitMessage: string | undefined,
  items: Ended["items"],
  said: readonly string[],
): string | undefined {
  const first = items[0] && `${items[0].item}: ${items[0].reason}`;
  const lines = [exitMessage, first, ...said.slice(-3)].filter((line) => line !== undefined);
  const text = lines
    .map((line) => line.replace(/^Fatal: /, "").trim())
    .filter(Boolean)
    .join("; ");
  return text === "" ? undefined : text.replace(/\s*\n\s*/g, ", ").slice(0, 600);
}

function redacted(text: string, secrets: readonly string[]): string {
  return secrets.reduce(
    (rest, secret) => (secret === "" ? rest : rest.replaceAll(secret, "…")),
    text,
  );
}
