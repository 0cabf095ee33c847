import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Puts the language host where the CLI looks for it. @returns the folder to add to the PATH */
export async function installLanguageHost(stateDir: string): Promise<string> {
  const folder = join(stateDir, "bin");
  await mkdir(folder, { recursive: true });
  const main = new URL("main.ts", import.meta.url).pathname;
  const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  await writeFile(
    join(folder, "pulumi-language-nodejs"),
    `#!/bin/sh\nexec ${quote(process.execPath)} --disable-warning=ExperimentalWarning ${quote(main)} "$@"\n`,
    { mode: 0o755 },
  );
  return folder;
}
