/** The host's recovery program, called from here. */
import { UserError } from "../../hub/user-error.ts";
import type { HostShell } from "./host.ts";

/** One command line for the host's shell; every word means itself. */
export function recoveryCommand(words: readonly string[]): string {
  return ["aihub-recovery", ...words].map(quoted).join(" ");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** @throws UserError when the host does not have it yet */
export async function requireRecovery(host: HostShell): Promise<void> {
  const { code } = await host.run("command -v aihub-recovery");
  if (code !== 0) {
    throw new UserError(
      "This hub knows nothing of recovery points yet.\n  fix: npm start brings it up to date",
    );
  }
}
