/** The steps of a program as its lines of progress tell them: killed when it has said one of them. */
import type { Console } from "./console.ts";

/** The program is a process group of its own; reading and killing are done beside it, on the host. */
const KILLER = `
exec 3< <(exec setsid bash -c 'echo $$; exec "$@" 2>&1 </dev/null' program "$@")
read -r group <&3
count=0
while IFS= read -r line <&3; do
  count=$((count + 1))
  printf '%s\\n' "$line"
  if [ "$count" = "$at" ]; then kill -KILL -- "-$group"; echo killed; exit 0; fi
done
echo ended`;

/** Runs a command, killed after so many lines if it says so many. @returns the lines, and whether it was killed */
export async function killAfterLine(
  host: Console,
  command: string,
  at: number,
): Promise<{ lines: string[]; killed: boolean }> {
  const said = await host.must(`at=${at}; set -- ${command}\n${KILLER}`);
  const lines = said.split("\n");
  return { killed: lines.pop() === "killed", lines };
}

/** What was going on when the last line was said: "  0.3 s" ends the step above it. */
export function stepOf(lines: readonly string[]): string {
  const last = lines.at(-1) ?? "";
  const title = lines.findLast((line) => !line.startsWith(" ")) ?? "";
  const name = title.replace(/[0-9]{4}-[0-9T:Z.-]+\S*|\b[0-9a-f]{8}\b/g, "…").trim();
  return /^ +[\d.]+ s$/.test(last)
    ? `${name}: done`
    : last.startsWith(" ")
      ? `${name}: ${last.trim()}`
      : `${name}: begun`;
}
