import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { currentInstance } from "../../rehearsal/instance.ts";
import { requireOwnAddresses } from "../../rehearsal/own-addresses.ts";
import { silent } from "../../scripts/progress.ts";
import { requireDiskSpace } from "../../scripts/toolchain/disk-space.ts";
import { ensureDocker } from "../../scripts/toolchain/docker.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe("a machine that cannot rehearse is told why", () => {
  it("without root", async () => {
    vi.spyOn(process, "getuid").mockReturnValue(1000);
    await expect(ensureDocker(silent, { interactive: false })).rejects.toThrow(
      /needs root[\s\S]*fix: run it again as root/,
    );
  });

  it("with another system than Linux", async () => {
    vi.spyOn(process, "platform", "get").mockReturnValue("darwin");
    await expect(ensureDocker(silent, { interactive: false })).rejects.toThrow(
      /needs Linux[\s\S]*fix: .*virtual machine/,
    );
  });

  it("without space on its disk, also for a folder that is not there yet", async () => {
    await expect(requireDiskSpace([join(tmpdir(), "not", "there")], 1e9)).rejects.toThrow(
      /Only [\d.]+ GiB are free where .*not\/there lives; the rehearsal needs 1000000000 GiB[\s\S]*fix:/,
    );
    await expect(requireDiskSpace([tmpdir()], 0)).resolves.toBeUndefined();
  });
});

describe("an instance", () => {
  it("has a name of its own, or is refused", () => {
    expect(() => currentInstance("../etc")).toThrow(/AIHUB_INSTANCE="..\/etc" is not a name/);
  });

  it("keeps its state where the machine wants it, and only the default one answers on localhost", () => {
    vi.stubEnv("XDG_STATE_HOME", "/somewhere");
    const other = currentInstance("other");
    expect(other.stateDir).toBe("/somewhere/aihub/other");
    expect(other.publishLocalhost).toBe(false);
    expect(currentInstance("rehearsal")).toMatchObject({ block: 77, publishLocalhost: true });
    expect(other.block).not.toBe(77);
  });

  it("does not start beside one that has its addresses, and says which", async () => {
    const home = await mkdtemp(join(tmpdir(), "aihub-instances-"));
    vi.stubEnv("XDG_STATE_HOME", home);
    const [late, other] = [currentInstance("late"), currentInstance("sweepu")];
    expect(late.block).toBe(other.block);
    await mkdir(other.cloudDir, { recursive: true });
    await mkdir(late.cloudDir, { recursive: true });
    await writeFile(join(home, "aihub/.stray"), "");
    await expect(requireOwnAddresses(late)).resolves.toBeUndefined();
    const cloud = createServer((_, answer) => answer.end()).listen(0, "127.0.0.1");
    await once(cloud, "listening");
    try {
      const { port } = cloud.address() as AddressInfo;
      await writeFile(
        join(other.cloudDir, "daemon.json"),
        JSON.stringify({ pid: process.pid, apiUrl: `http://127.0.0.1:${port}` }),
      );
      await expect(requireOwnAddresses(late)).rejects.toThrow(
        /addresses of "sweepu"[\s\S]*fix: .*AIHUB_INSTANCE=sweepu npm run hub -- destroy/,
      );
      await expect(requireOwnAddresses(currentInstance("scenarios"))).resolves.toBeUndefined();
      await expect(requireOwnAddresses(other)).resolves.toBeUndefined();
    } finally {
      cloud.close();
      await rm(home, { recursive: true });
    }
  });
});
