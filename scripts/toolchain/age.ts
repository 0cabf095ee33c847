/** age's own command line, to open by it what this program sealed. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ensureBase } from "../../rehearsal/images/base.ts";
import type { Progress } from "../progress.ts";
import { cached, entryPath, has, keyOf } from "./cache.ts";
import { hasGo, runGo } from "./go.ts";

const version = "v1.3.2";
const commands = ["age", "age-keygen", "age-plugin-batchpass"].map(
  (name) => `filippo.io/age/cmd/${name}@${version}`,
);

/** Builds it once per machine, in half a minute. @returns the folder with age, age-keygen and age-plugin-batchpass */
export async function ensureAge(progress: Progress): Promise<string> {
  const entry = {
    kind: "age",
    name: "age",
    key: keyOf([process.platform, process.arch, ...commands]),
  };
  if (!(await has(entry))) {
    const image = (await hasGo()) ? undefined : await ensureBase(progress, "trixie");
    await cached(entry, (target) =>
      progress.step(`Building age ${version}`, async (log) => {
        await mkdir(join(target, "bin"), { recursive: true });
        await runGo(log, {
          args: () => ["install", "-ldflags", "-s -w", ...commands],
          target,
          image,
        });
      }),
    );
  }
  return join(entryPath(entry), "bin");
}
