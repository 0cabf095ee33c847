import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
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

describe("what no release needs any more", () => {
  let place: string;
  const at = (path: string) => join(place, path);
  const prune = () =>
    run("bash", [`${folder}prune.sh`, place, "r7"], {
      env: { PATH: `${at("bin")}:${process.env.PATH}` },
    });
  const put = async (path: string, text: string, mode?: number) => {
    await mkdir(join(at(path), ".."), { recursive: true });
    await writeFile(at(path), text, { mode });
  };
  const removed = async () => (await readFile(at("removed"), "utf8").catch(() => "")).split("\n");

  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), "aihub-prune-"));
    for (let number = 1; number <= 7; number++) {
      const release = `releases/r${number}`;
      await put(`${release}/images.txt`, `chat:${number}\nnginx:1\n`);
      await put(`${release}/compose.yaml`, `mounts nginx-${number} runs aihub/tool:${number}\n`);
      await put(`store/nginx-${number}/conf`, "");
      const time = new Date(2026, 0, number);
      await utimes(at(release), time, time);
    }
    await put("incoming/r6.tar", "");
    await put("incoming/r7.tar", "");
    await symlink(at("releases/r1"), at("current"));
    // Holds chat:2 in use, and has chat:8 no more.
    await put(
      "bin/docker",
      `#!/bin/bash
case "$*" in
images*) printf 'aihub/tool:%s\\n' 2 7 ;;
"rmi chat:2") exit 1 ;;
"rmi "*|"image inspect chat:8") echo "$2" >>${place}/removed; [ "$2" != chat:8 ] && [ "$2" != inspect ] ;;
esac
`,
      0o755,
    );
  });
  afterEach(() => rm(place, { recursive: true }));

  it("goes, but for the newest five releases and the one that runs", async () => {
    await prune();
    const kept = ["1", "3", "4", "5", "6", "7"];
    expect((await readdir(at("releases"))).sort()).toEqual(kept.map((number) => `r${number}`));
    expect((await readdir(at("store"))).sort()).toEqual(kept.map((number) => `nginx-${number}`));
    expect(await readdir(at("incoming"))).toEqual(["r7.tar"]);
    expect(await removed()).toContain("aihub/tool:2");
    expect(await removed()).not.toContain("aihub/tool:7");
  });

  it("takes the images along that the hub has fetched, and no others", async () => {
    const fetched = ["chat:0", "chat:1", "chat:2", "chat:7", "chat:8", "nginx:1"];
    await put("fetched-images", `${fetched.join("\n")}\n`);
    await prune();
    expect((await removed()).filter((image) => image.startsWith("chat:"))).toEqual([
      "chat:0",
      "chat:8",
    ]);
    // Those that stay, and one that is in use: it goes another time.
    expect(await readFile(at("fetched-images"), "utf8")).toBe("chat:1\nchat:2\nchat:7\nnginx:1\n");
  });
});

describe("the timers of the recovery points", () => {
  let place: string;
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), "aihub-timers-"));
    for (const name of ["bin", "etc/systemd/system"])
      await mkdir(join(place, name), { recursive: true });
    await program("systemctl", `echo "$@" >>${place}/asked`);
    await writeFile(join(place, "bin/tools.tsv"), "");
  });
  afterEach(() => rm(place, { recursive: true }));
  const program = (name: string, body: string) =>
    writeFile(join(place, "bin", name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const asked = () => readFile(join(place, "asked"), "utf8").catch(() => "");
  const unit = (name: string) => join(place, "etc/systemd/system", name);
  const env = (zone: string) => ({ PATH: `${place}/bin:${process.env.PATH}`, TZ: zone });

  /** The script as it is, but for where it writes to. */
  const install = async (nightlyAt: string) => {
    const text = await readFile(`${folder}install-recovery.sh`, "utf8");
    const script = join(place, "bin/install-recovery.sh");
    await writeFile(
      script,
      text.replace(/\/(etc\/systemd|opt\/aihub|usr\/local\/sbin)\//g, `${place}/$&`),
    );
    await mkdir(join(place, "usr/local/sbin"), { recursive: true });
    const settings = { enabled: true, everyMinutes: 15, nightlyAt };
    await writeFile(join(place, "bin/settings.json"), JSON.stringify(settings, null, 2));
    await run("bash", [script], { env: env("UTC") });
  };
  const calendar = async (name: string) =>
    /^OnCalendar=(.*)$/m.exec(await readFile(unit(name), "utf8"))?.[1] as string;

  /** What the unit an hour later starts at that time. */
  const startsAt = async (now: string, zone: string) => {
    await rm(join(place, "asked"), { force: true });
    // Only what is asked of the present is another's answer.
    const hourAgo = Date.parse(now) / 1000 - 3600;
    await program(
      "date",
      `[ "$2" = "1 hour ago" ] && exec /bin/date -d @${hourAgo} "$3"\nexec /bin/date "$@"`,
    );
    const text = await readFile(unit("aihub-nightly-late.service"), "utf8");
    const command = /^ExecStart=\/bin\/sh -c '(.*)'$/m.exec(text)?.[1] as string;
    const asShell = command.replaceAll("$$", "$").replaceAll("%%", "%");
    await run("/bin/sh", ["-c", asShell], { env: env(zone) });
    return (await asked()).trim();
  };
  const START = "start --no-block aihub-nightly.service";

  it.each([
    ["02:00", "Europe/Berlin", "2026-03-29T01:00:00Z", START],
    ["02:30", "America/New_York", "2026-03-08T07:30:00Z", START],
    ["00:15", "Asia/Beirut", "2026-03-28T22:15:00Z", START],
    // By half an hour only.
    ["02:00", "Australia/Lord_Howe", "2026-10-03T16:00:00Z", START],
    ["02:00", "Europe/Berlin", "2026-03-28T02:00:00Z", ""],
    ["02:00", "Europe/Berlin", "2026-10-25T02:00:00Z", ""],
    ["23:30", "Europe/Berlin", "2026-03-28T23:30:00Z", ""],
    ["08:09", "UTC", "2026-03-29T09:09:00Z", ""],
  ])("at %s in %s, seen at %s: %j", async (nightlyAt, zone, now, starts) => {
    await install(nightlyAt);
    expect(await startsAt(now, zone)).toBe(starts);
  });

  it("are all on, and the later look is an hour after the night's point", async () => {
    await install("08:09");
    expect(await asked()).toContain(
      "enable --quiet --now aihub-point.timer aihub-nightly.timer aihub-nightly-late.timer\n",
    );
    expect(await calendar("aihub-nightly.timer")).toBe("*-*-* 08:09:00");
    expect(await calendar("aihub-nightly-late.timer")).toBe("*-*-* 09:09:00");
    await install("23:30");
    expect(await calendar("aihub-nightly-late.timer")).toBe("*-*-* 00:30:00");
  });

  it.skipIf(!existsSync("/usr/bin/systemd-analyze"))(
    "are what systemd takes them for",
    async () => {
      await install("02:00");
      const analyze = (...args: string[]) =>
        run("systemd-analyze", args, { env: env("Europe/Berlin") });
      const next = async (name: string) => {
        const { stdout } = await analyze(
          ...["calendar", "--base-time", "2026-03-28 12:00:00", await calendar(name)],
        );
        return /Next elapse: (.*)/.exec(stdout)?.[1];
      };
      expect(await next("aihub-nightly.timer")).toMatch(/2026-03-30 02:00:00/);
      expect(await next("aihub-nightly-late.timer")).toMatch(/2026-03-29 03:00:00/);
      await expect(
        analyze("verify", unit("aihub-nightly-late.service"), unit("aihub-nightly-late.timer")),
      ).resolves.toMatchObject({ stderr: "" });
    },
  );
});

describe.skipIf(process.getuid?.() !== 0)("the host's report", () => {
  let place: string;
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), "aihub-report-"));
    await mkdir(join(place, "status"));
    await mkdir(join(place, "bin"));
    await mkdir(join(place, "0123456789abcdef"));
    await symlink(join(place, "0123456789abcdef"), join(place, "current"));
    await writeFile(join(place, "packages"), "");
    await utimes(join(place, "packages"), 1, 1);
    // What apt would say takes seconds, and is another machine's.
    await program("apt-get", "printf 'Inst one\\nConf one\\nInst two\\n'");
  });
  afterEach(() => rm(place, { recursive: true }));
  const program = (name: string, body: string) =>
    writeFile(join(place, "bin", name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const reportEnv = () => ({
    PATH: `${join(place, "bin")}:${process.env.PATH}`,
    AIHUB_STATUS_FOLDER: join(place, "status"),
    AIHUB_RELEASES: join(place, "releases.jsonl"),
    AIHUB_VOLUME: place,
    AIHUB_ROOT: place,
    AIHUB_UPDATES_CACHE: join(place, "updates"),
    AIHUB_PACKAGES: join(place, "packages"),
  });
  const report = async () => {
    await run("bash", [`${folder}report.sh`, "once"], { env: reportEnv() });
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

  it("counts again soon what it could not count", async () => {
    await program("docker", "exit 1");
    await writeFile(join(place, "updates"), "null\n");
    const minutesAgo = (minutes: number) => Date.now() / 1000 - minutes * 60;
    await utimes(join(place, "updates"), minutesAgo(1), minutesAgo(1));
    expect((await report()).updates?.packages).toBeNull();
    await utimes(join(place, "updates"), minutesAgo(6), minutesAgo(6));
    expect((await report()).updates?.packages).toBe(2);
  });

  it("goes on while it counts, as on a host that is slow at it", async () => {
    await program("docker", "exit 0");
    await program("apt-get", `until [ -e ${place}/go ]; do sleep 0.1; done; echo 'Inst one'`);
    const running = spawn("bash", [`${folder}report.sh`], {
      env: reportEnv(),
      detached: true,
      stdio: "ignore",
    });
    try {
      const packages = async () =>
        hostReportOf(await readFile(join(place, "status", "host.json"), "utf8").catch(() => ""))
          ?.updates?.packages;
      await expect.poll(packages).toBeNull();
      await writeFile(join(place, "go"), "");
      await expect.poll(() => readFile(join(place, "updates"), "utf8").catch(() => "")).toBe("1\n");
    } finally {
      process.kill(-(running.pid as number), "SIGKILL");
      await once(running, "exit");
    }
  });

  it("makes no folder of its own: where it lies the volume is not mounted", async () => {
    await rm(join(place, "status"), { recursive: true });
    await expect(report()).rejects.toThrow();
    expect(await readdir(place)).not.toContain("status");
  });
});
