/** A hub whose chat is of an older version, for what needs two of them: its data must never have seen the newer one. */
import { execa } from "execa";
import { defaultImages } from "../../hub/images.ts";
import { silent } from "../../scripts/progress.ts";
import { runningDroplet } from "../droplet/container.ts";
import { loadInto, reference } from "../images/image.ts";
import { otherVersion } from "../images/other-version.ts";
import { versionIn } from "../images/recipes.ts";
import { hub, hubOk, instanceName } from "./hub.ts";

export const older = "0.12.0";
export const newer = versionIn(defaultImages.openWebui);
export const olderImage = defaultImages.openWebui.replace(newer, older);

/** Makes it; there must be no hub. The setting `images.openWebui` stays. */
export async function upWithOlderChat(): Promise<void> {
  const { image, archive } = await otherVersion("openWebui", older, silent);
  await hubOk(["config", "set", "images.openWebui", olderImage]);
  // No registry has it here, and the host that it is to be brought to is made by this.
  const first = await hub(["up", "--yes"]);
  if (!/cannot fetch the image/.test(first.all)) {
    throw new Error(`up did not miss ${olderImage}:\n${first.all.slice(-3000)}`);
  }
  const host = await runningDroplet(instanceName);
  await loadInto(["docker", "exec", "--interactive", host, "docker", "load"], archive);
  await execa("docker", ["exec", host, "docker", "tag", reference(image), olderImage]);
  await hubOk(["up", "--yes"]);
}
