/** What apply.sh reads off a release before it calls the recovery program. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { renderRelease } from "../../../render/release.ts";
import { bundles, exampleHub } from "../../render/example.ts";

const run = promisify(execFile);

it("finds the chat's image in the compose file of a real release", async () => {
  const hub = exampleHub();
  const release = await renderRelease(hub, bundles);
  const folder = await mkdtemp(join(tmpdir(), "aihub-release-"));
  try {
    await writeFile(join(folder, "compose.yaml"), release.files["compose.yaml"]?.content ?? "");
    const script = await readFile(
      new URL("../../../templates/host/apply.sh", import.meta.url),
      "utf8",
    );
    const reader = /^chat_image_of\(\) \{\n[\s\S]*?^\}$/m.exec(script)?.[0];
    const { stdout } = await run("bash", ["-c", `${reader}; chat_image_of "$1"`, "x", folder]);
    expect(stdout.trim()).toBe(hub.settings.images.openWebui);
  } finally {
    await rm(folder, { recursive: true });
  }
});
