/** Keeps every command line that a machine shows, as anybody on it could who looks again and again. */
import { spawn } from "node:child_process";
import { once } from "node:events";

/** For Node; its argument is the file that gets each command line once. Looks some twenty times a second. */
export const sampler = `
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
const file = process.argv.at(-1);
const seen = new Set();
for (;;) {
  let fresh = "";
  for (const pid of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(pid)) continue;
    let line = "";
    try { line = readFileSync("/proc/" + pid + "/cmdline", "latin1").replaceAll("\\0", " "); } catch {}
    if (line === "" || seen.has(line)) continue;
    seen.add(line);
    fresh += line + "\\n";
  }
  if (fresh !== "") appendFileSync(file, fresh, "latin1");
  await new Promise((resolve) => setTimeout(resolve, 50));
}
`;

/** Watches this machine until the returned function is called. */
export function watchProcesses(file: string): () => Promise<void> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", sampler, file], {
    stdio: "ignore",
  });
  return async () => {
    if (child.exitCode !== null) throw new Error("the watch over processes had ended by itself");
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  };
}
