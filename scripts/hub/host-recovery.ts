/** The host's recovery program, asked from here. */
import { UserError } from "../../hub/user-error.ts";
import type { HostShell } from "./host.ts";
import { recoveryCommand } from "./recovery-command.ts";

/** What the hub's server is told; see recovery/report.ts. */
export interface BackupFacts {
  enabled?: boolean;
  since?: string;
  lastPoint?: { time: string };
  lastGoodDrill?: string;
}

/** Undefined: the host has none. */
export async function backupFacts(host: HostShell): Promise<BackupFacts | undefined> {
  const { stdout } = await host.run("timeout 20 cat /data/hub/status/backup.json 2>/dev/null");
  try {
    return JSON.parse(stdout) as BackupFacts;
  } catch {
    return undefined;
  }
}

/**
 * Runs a verb of it with `--json`; its progress goes to `note`.
 * @throws UserError with what it said
 */
export async function hostRecovery<T>(
  host: HostShell,
  args: readonly string[],
  { note = () => {}, input }: { note?: (line: string) => void; input?: string } = {},
): Promise<T> {
  let stdout = "";
  let stderr = "";
  let line = "";
  const { code } = await host.run(
    recoveryCommand([...args, "--json"]),
    {
      stdout: (chunk) => {
        stdout += chunk.toString();
      },
      stderr: (chunk) => {
        const text = chunk.toString();
        stderr = (stderr + text).slice(-8_000);
        line += text;
        const lines = line.split("\n");
        line = lines.pop() ?? "";
        for (const each of lines) note(each);
      },
    },
    input,
  );
  if (code === 0) {
    try {
      return JSON.parse(stdout) as T;
    } catch {
      throw new UserError(`The host's answer to ${args[0]} is not JSON: ${stdout.slice(0, 200)}`);
    }
  }
  const said = /✘ ([\s\S]*)/.exec(stderr)?.[1] ?? stderr;
  throw new UserError(
    code === 127
      ? "The host has no recovery program yet.\n  fix: npm start brings it"
      : said.trim() || `${args[0]} ended with ${code} on the host`,
  );
}
