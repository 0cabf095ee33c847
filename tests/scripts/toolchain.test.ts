import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { UserError } from "../../hub/user-error.ts";
import { silent } from "../../scripts/progress.ts";
import {
  cacheDir,
  cached,
  entryPath,
  has,
  keyOf,
  keyOfFolder,
  withLock,
} from "../../scripts/toolchain/cache.ts";
import { requireDiskSpace } from "../../scripts/toolchain/disk-space.ts";
import { ensureDocker } from "../../scripts/toolchain/docker.ts";
import { isRecentEnough } from "../../scripts/toolchain/pulumi.ts";
import { run } from "../../scripts/toolchain/run.ts";

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "aihub-cache-test-"));
  vi.stubEnv("XDG_CACHE_HOME", home);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

const entry = { kind: "things", name: "thing", key: keyOf(["a"]), extension: ".txt" };

describe("keys", () => {
  test("tell inputs apart that read the same when joined", () => {
    expect(keyOf(["ab", "c"])).not.toBe(keyOf(["a", "bc"]));
    expect(keyOf(["a", "b"])).not.toBe(keyOf(["b", "a"]));
    expect(keyOf(["é"])).toBe(keyOf([Buffer.from("é")]));
  });

  test("of a folder follow names, contents and executable bits, not dates", async () => {
    const folder = join(home, "folder");
    await mkdir(join(folder, "deep"), { recursive: true });
    await writeFile(join(folder, "deep", "file"), "one");
    const before = await keyOfFolder(folder);
    await utimes(join(folder, "deep", "file"), 1, 1);
    expect(await keyOfFolder(folder)).toBe(before);
    await chmod(join(folder, "deep", "file"), 0o755);
    const executable = await keyOfFolder(folder);
    await writeFile(join(folder, "deep", "file"), "two");
    const changed = await keyOfFolder(folder);
    await writeFile(join(folder, "more"), "");
    expect(new Set([before, executable, changed, await keyOfFolder(folder)]).size).toBe(4);
  });
});

describe("the cache", () => {
  test("lies in the user's cache folder", () => {
    expect(cacheDir("a", "b")).toBe(join(home, "aihub", "a", "b"));
    vi.stubEnv("XDG_CACHE_HOME", "");
    vi.stubEnv("HOME", "/home/somebody");
    expect(cacheDir()).toBe("/home/somebody/.cache/aihub");
  });

  test("makes an entry once, however many ask for it at the same time", async () => {
    const make = vi.fn((target: string) => writeFile(target, "made"));
    const paths = await Promise.all([cached(entry, make), cached(entry, make)]);
    await cached(entry, make);
    expect(make).toHaveBeenCalledTimes(1);
    expect(new Set(paths)).toEqual(new Set([entryPath(entry)]));
    expect(await readFile(entryPath(entry), "utf8")).toBe("made");
  });

  test("keeps nothing of an entry whose making failed", async () => {
    const failing = cached(entry, async (target) => {
      await writeFile(target, "half");
      throw new Error("interrupted");
    });
    await expect(failing).rejects.toThrow("interrupted");
    expect(await has(entry)).toBe(false);
    expect(await readdir(cacheDir("things"))).toEqual([]);
  });

  test("removes what a killed run left half made, but nothing of other names", async () => {
    await mkdir(cacheDir("things", ".new-thing-AbCdEf"), { recursive: true });
    await mkdir(cacheDir("things", ".new-thing-two-AbCdEf"), { recursive: true });
    await cached(entry, (target) => writeFile(target, "made"));
    expect((await readdir(cacheDir("things"))).sort()).toEqual(
      [".new-thing-two-AbCdEf", `thing-${entry.key}.txt`].sort(),
    );
  });

  test("keeps the two entries of a name that were used last", async () => {
    const of = (input: string, name = "thing") => ({ ...entry, name, key: keyOf([input]) });
    const longer = of("0", "thing-two");
    for (const [at, each] of [longer, of("1"), of("2")].entries()) {
      await cached(each, (target) => writeFile(target, ""));
      await utimes(entryPath(each), 1000 + at, 1000 + at);
    }
    await has(of("1"));
    await cached(of("3"), (target) => writeFile(target, ""));
    expect(existsSync(entryPath(of("1")))).toBe(true);
    expect(existsSync(entryPath(of("2")))).toBe(false);
    expect(existsSync(entryPath(of("3")))).toBe(true);
    expect(existsSync(entryPath(longer))).toBe(true);
  });
});

describe("a lock", () => {
  test("lets one in at a time", async () => {
    let inside = 0;
    let most = 0;
    const enter = () =>
      withLock("door", async () => {
        most = Math.max(most, ++inside);
        await new Promise(setImmediate);
        inside--;
      });
    await Promise.all([enter(), enter(), enter()]);
    expect(most).toBe(1);
  });

  test("is given back when its holder fails, and when its process is killed", async () => {
    await expect(withLock("door", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    const cache = join(import.meta.dirname, "..", "..", "scripts", "toolchain", "cache.ts");
    const program = `
      import { withLock } from ${JSON.stringify(cache)};
      await withLock("door", () => new Promise(() => { console.log("in"); setInterval(() => {}, 1000); }));`;
    const holder = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    holder.kill("SIGKILL");
    expect(await withLock("door", async () => "mine")).toBe("mine");
  });
});

describe("running a program", () => {
  test("gives its lines to the log and its output to the caller", async () => {
    const lines: string[] = [];
    const output = await run((line) => lines.push(line), "sh", [
      "-c",
      "printf 'one\\n\\n\\033[31mtwo\\033[0m\\n'; echo three >&2",
    ]);
    expect(output).toContain("one");
    expect(output).not.toContain("three");
    expect(lines.toSorted()).toEqual(["one", "three", "two"]);
  });

  test("fails when the program does", async () => {
    await expect(run(() => {}, "sh", ["-c", "echo why >&2; exit 3"])).rejects.toThrow("why");
  });
});

test("a disk without room is named, with what to do", async () => {
  const missing = join(home, "not", "there", "yet");
  await expect(requireDiskSpace([home, missing], 0)).resolves.toBeUndefined();
  const error = await requireDiskSpace([missing], 1e9).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect(String(error)).toContain(missing);
  expect(String(error)).toContain("fix:");
});

test("no engine of our own is started where DOCKER_HOST names one that does not answer", async () => {
  vi.stubEnv("DOCKER_HOST", `unix://${join(home, "nothing.sock")}`);
  const error = await ensureDocker(silent, { interactive: false }).catch((reason) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect(String(error)).toContain("DOCKER_HOST");
});

test.each([
  ["v3.220.0", true],
  ["3.259.0\n", true],
  ["v3.219.9", false],
  ["v4.0.0", false],
  ["nonsense", false],
])("Pulumi %j is recent enough: %j", (version, answer) => {
  expect(isRecentEnough(version)).toBe(answer);
});
