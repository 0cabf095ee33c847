/** What cloud-init finds at the first boot: the seed folder of its NoCloud source. */
import type { DropletSpec } from "./driver.ts";

const SEED_DIR = "/var/lib/cloud/seed/nocloud";

/** The seed's files. JSON is YAML, so that no name or key can break out of its place. */
export function cloudInitSeed(
  spec: Pick<DropletSpec, "id" | "name" | "userData" | "publicKeys">,
): { path: string; mode: number; text: string }[] {
  const metaData = {
    "instance-id": String(spec.id),
    "local-hostname": spec.name,
    "public-keys": spec.publicKeys,
  };
  return [
    { path: `${SEED_DIR}/meta-data`, mode: 0o600, text: `${JSON.stringify(metaData)}\n` },
    {
      path: `${SEED_DIR}/user-data`,
      mode: 0o600,
      text: spec.userData === "" ? "#cloud-config\n{}\n" : spec.userData,
    },
  ];
}
