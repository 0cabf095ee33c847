/** The checks that need nothing but the checkout. */
import { execa } from "execa";

export interface Check {
  name: string;
  ok: boolean;
}

const root = new URL("../..", import.meta.url).pathname;
const bin = (name: string) => `${root}node_modules/.bin/${name}`;

const checks: [string, string, string[]][] = [
  ["types", process.execPath, [`${root}node_modules/typescript/bin/tsc`, "--noEmit"]],
  ["lint and format", bin("biome"), ["check", "--error-on-warnings"]],
  ["derived texts", process.execPath, [`${root}scripts/docs.ts`, "--check"]],
];

/** Runs each, printing its output only when it fails. */
export async function runChecks(): Promise<Check[]> {
  const results: Check[] = [];
  for (const [name, command, args] of checks) {
    const started = Date.now();
    const result = await execa(command, args, { cwd: root, reject: false, all: true });
    const ok = result.exitCode === 0;
    if (!ok) process.stderr.write(`${result.all ?? result.message}\n`);
    process.stderr.write(
      `${ok ? "✔" : "✘"} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`,
    );
    results.push({ name, ok });
  }
  return results;
}
