import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HostReport, hostReportOf } from "../../hub-server/status/host-report.ts";

const run = promisify(execFile);
const folder = new URL("../../templates/host/", import.meta.url).pathname;

describe.each(await readdir(folder))("host script %s", (name) => {
  it("is sound shell", async () => {
    const text = await readFile(folder + name, "utf8");
    const shell = text.startsWith("#!/usr/bin/env bash") ? "bash" : "sh";
    await expect(run(shell, ["-n", folder + name])).resolves.toBeDefined();
  });

  it("prints no line long enough to stall the one who reads it", async () => {
    const text = await readFile(folder + name, "utf8");
    // What comes from elsewhere is cut to length before it is shown.
    for (const line of text.split("\n")) {
      if (/docker (logs|compose.* up)|journalctl/.test(line))
        expect(line).toMatch(/cut -c1-|>\/dev\/null|>\S*log|head -n|\\$/);
    }
  });
});

describe("a stand-in", () => {
  let place: string;
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), "aihub-stand-in-"));
  });
  afterEach(() => rm(place, { recursive: true }));
  const ask = (call: string) =>
    run("bash", ["-euc", `. ${folder}stand-in.sh; ${call}`], {
      env: { PATH: `${place}:${process.env.PATH}`, AIHUB_MEMINFO: join(place, "meminfo") },
    });

  it.each([
    // Its own 100 MiB and 128 MiB that stay free.
    ["100MiB", 228, false],
    ["100MiB", 229, true],
    ["1.5GiB", 1_600, false],
    ["1.5GiB", 1_700, true],
    ["--", 10_000, false],
  ])("of one that uses %s has room in %i MiB: %s", async (used, free, fits) => {
    await writeFile(join(place, "docker"), `#!/bin/sh\necho "${used} / 2GiB"\n`, { mode: 0o755 });
    await writeFile(join(place, "meminfo"), `MemTotal: 9 kB\nMemAvailable: ${free * 1024} kB\n`);
    const { stdout } = await ask("has_room id 2>/dev/null && echo yes || echo no");
    expect(stdout.trim()).toBe(fits ? "yes" : "no");
  });

  it("is asked where the service is", async () => {
    const nginx = await readFile(join(folder, "../nginx/nginx.conf"), "utf8");
    for (const service of ["mcp-server", "files", "code-server"]) {
      const { stdout } = await ask(`port_of ${service}`);
      expect(nginx).toContain(`http://${service}:${stdout.trim()};`);
    }
    const compose = await readFile(join(folder, "../compose.yaml"), "utf8");
    const { stdout } = await ask('echo "$published"');
    const ports = stdout
      .trim()
      .split(" ")
      .map((pair) => `"${pair}"`);
    expect(compose).toContain(`ports: [${ports.join(", ")}]`);
  });
});

describe("the log of rollouts", () => {
  let place: string;
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), "aihub-rollouts-"));
  });
  afterEach(() => rm(place, { recursive: true }));
  const file = () => join(place, "releases.jsonl");
  const record = (args: string[], from?: string) =>
    run("bash", [`${folder}record-release.sh`, file(), ...args], {
      env: { PATH: process.env.PATH, ...(from && { SSH_CLIENT: from }) },
    });
  const lines = async () => (await readFile(file(), "utf8")).trimEnd().split("\n");

  it("takes any reason as one line of JSON", async () => {
    const reason = `"quoted" \\ back\nnext\tline \u0007 é ${"x".repeat(400)}é`;
    await record(["d1", "refused", reason], "203.0.113.7 50000 22");
    await record(["d2", "taken"]);
    const [first, second] = (await lines()).map((line) => JSON.parse(line));
    expect(first).toMatchObject({ digest: "d1", outcome: "refused", from: "203.0.113.7" });
    expect(first.reason).toMatch(/^"quoted" \\ back next line {3}é x+$/);
    expect(first.reason.length).toBeLessThanOrEqual(300);
    expect(Date.parse(first.time)).toBeGreaterThan(0);
    expect(second).toMatchObject({ digest: "d2", outcome: "taken", reason: "", from: "" });
  });

  it("keeps the last 200 and nothing beside them, for its owner alone", async () => {
    await writeFile(file(), Array.from({ length: 250 }, (_, n) => `{"n":${n}}\n`).join(""));
    await record(["d", "taken"]);
    const kept = await lines();
    expect(kept).toHaveLength(200);
    expect(kept[0]).toBe('{"n":51}');
    expect(await readdir(place)).toEqual(["releases.jsonl"]);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
  });
});

describe.skipIf(process.getuid?.() !== 0)("the host's report", () => {
  let place: string;
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), "aihub-report-"));
    await mkdir(join(place, "status"));
    await mkdir(join(place, "bin"));
    await mkdir(join(place, "0123456789abcdef"));
    await symlink(join(place, "0123456789abcdef"), join(place, "current"));
    // What apt would say takes seconds, and is another machine's.
    await program("apt-get", "printf 'Inst one\\nConf one\\nInst two\\n'");
  });
  afterEach(() => rm(place, { recursive: true }));
  const program = (name: string, body: string) =>
    writeFile(join(place, "bin", name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const report = async () => {
    await run("bash", [`${folder}report.sh`, "once"], {
      env: {
        PATH: `${join(place, "bin")}:${process.env.PATH}`,
        AIHUB_STATUS_FOLDER: join(place, "status"),
        AIHUB_RELEASES: join(place, "releases.jsonl"),
        AIHUB_VOLUME: place,
        AIHUB_ROOT: place,
        AIHUB_UPDATES_CACHE: join(place, "updates"),
      },
    });
    const read = hostReportOf(await readFile(join(place, "status", "host.json"), "utf8"));
    expect(read).toBeDefined();
    return read as HostReport;
  };

  it("tells of the host, readable by nobody else", async () => {
    await program("docker", "exit 0");
    await writeFile(join(place, "releases.jsonl"), "{}\n");
    const told = await report();
    expect(told).toMatchObject({ release: "0123456789abcdef", containers: [] });
    expect(told.updates?.packages).toBe(2);
    expect(told.volume?.size).toBeGreaterThan(0);
    expect(told.memory?.total).toBeGreaterThan(told.memory?.used ?? Number.POSITIVE_INFINITY);
    expect(Math.abs(Date.now() - Date.parse(told.time))).toBeLessThan(60_000);
    expect((await readdir(join(place, "status"))).sort()).toEqual(["host.json", "releases.jsonl"]);
    for (const name of ["host.json", "releases.jsonl"]) {
      const { mode, gid } = await stat(join(place, "status", name));
      expect([mode & 0o777, gid]).toEqual([0o640, 1000]);
    }
  });

  it("tells of each container what Docker says", async () => {
    const line = (pid: number, service: string) =>
      `${pid} 1048576 {"service":"${service}","image":"a/b:1","state":"running","health":"healthy","startedAt":"2026-01-01T00:00:00Z","restarts":0`;
    await writeFile(join(place, "said"), `${line(process.pid, "one")}\n${line(0, 'q\\"uoted')}\n`);
    await program(
      "docker",
      `case $1 in ps) echo id1; echo id2 ;; inspect) cat ${place}/said ;; esac`,
    );
    const { containers } = await report();
    expect(containers?.map(({ service }) => service)).toEqual(["one", 'q"uoted']);
    expect(containers?.[1]?.memory).toEqual({ used: null, limit: 1048576 });
  });

  it("says that Docker does not answer", async () => {
    await program("docker", "exit 1");
    expect((await report()).containers).toBeNull();
  });

  it("does not count as none what it cannot count", async () => {
    await program("docker", "exit 1");
    await program("apt-get", "exit 100");
    expect((await report()).updates?.packages).toBeNull();
  });

  it("makes no folder of its own: where it lies the volume is not mounted", async () => {
    await rm(join(place, "status"), { recursive: true });
    await expect(report()).rejects.toThrow();
    expect(await readdir(place)).not.toContain("status");
  });
});
