/** Folders of this machine in the place of a host's volume and of what its rollouts keep. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";

export interface HostFolders {
  /** Where a path below them lies: opt/... for /opt/aihub, data/... for the volume. */
  at(path: string): string;
  put(path: string, text: string): Promise<void>;
}

/** Made anew for each test of the file, whose modules are to be imported inside the test. */
export function useHostFolders(): HostFolders {
  let place: string;
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), "aihub-host-"));
    vi.stubEnv("AIHUB_ROOT", join(place, "opt"));
    vi.stubEnv("AIHUB_VOLUME", join(place, "data"));
    vi.resetModules();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(place, { recursive: true });
  });
  return {
    at: (path) => join(place, path),
    async put(path, text) {
      await mkdir(dirname(join(place, path)), { recursive: true });
      await writeFile(join(place, path), text);
    },
  };
}
