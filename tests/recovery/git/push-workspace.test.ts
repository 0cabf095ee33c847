import { execFile, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SecretScanner } from "../../../recovery/git/secret-scanner.ts";
import { sshKeyPair } from "../../../rehearsal/ssh-key-pair.ts";
import { type GitHostUnderTest, gitHostUnderTest } from "./git-host-under-test.ts";

let host: GitHostUnderTest;
beforeEach(async () => {
  host = await gitHostUnderTest();
});
afterEach(() => host.remove());

/** Put together at run time, so that this file is none that a scanner would stop. */
const githubToken = ["ghp", randomBytes(18).toString("hex")].join("_");
const slackToken = ["xoxb", "123456789012", "123456789012", randomBytes(12).toString("hex")].join(
  "-",
);
const awsId = `AKIA${"Q7RZ2M4XKWPLT5VB"}`;
const awsSecret = randomBytes(20).toString("hex");
const rsaKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
  type: "pkcs8",
  format: "pem",
}) as string;
const edKey = generateKeyPairSync("ed25519").privateKey.export({
  type: "pkcs8",
  format: "pem",
}) as string;
const middleOf = (key: string) => key.split("\n")[1]?.slice(10, 50) as string;

describe("a push", () => {
  it("brings the workspace to an empty repository, then what changed, then nothing", async () => {
    await host.write("notes/plan.md", "# Plan\n");
    await host.write("run.sh", "#!/bin/sh\n", 0o755);
    await host.write('naïve "quoted" \\ name\nof two lines.txt', "x");
    await host.write("picture.bin", randomBytes(10_000));
    const first = await host.push({ time: new Date("2026-11-24T02:00:00Z") });
    expect(first).toMatchObject({ changed: true, files: 4, secrets: [], leftOut: [] });
    expect(await host.commits()).toEqual(["Workspace of 2026-11-24|AI Hub|hub@hub.example.com"]);
    expect((await host.files()).sort()).toEqual(
      ['naïve "quoted" \\ name\nof two lines.txt', "notes/plan.md", "picture.bin", "run.sh"].sort(),
    );
    expect(await host.remote("ls-tree", "main", "run.sh")).toMatch(/^100755 /);

    await host.write("notes/plan.md", "# Plan\n\nMore.\n");
    await rm(join(host.workspace, "picture.bin"));
    const second = await host.push({ time: new Date("2026-11-25T02:00:00Z") });
    expect(second.changed).toBe(true);
    expect(await host.remote("show", "--format=", "--name-status", "main")).toBe(
      "M\tnotes/plan.md\nD\tpicture.bin\n",
    );

    const third = await host.push({ time: new Date("2026-11-26T02:00:00Z") });
    expect(third).toMatchObject({ changed: false, commit: second.commit });
    expect(await host.commits()).toHaveLength(2);
    await host.remote("fsck", "--full", "--strict");
  });

  it("does nothing with an empty workspace", async () => {
    expect(await host.push()).toMatchObject({ commit: undefined, changed: false });
    expect(await host.remote("for-each-ref")).toBe("");
  });

  it("takes a repository inside the workspace as files, with its own .gitignore", async () => {
    await host.write("app/main.py", "print(1)\n");
    await host.write("app/.gitignore", "build/\n*.log\n");
    await host.write("app/build/out.o", "x");
    await host.write("app/debug.log", "x");
    await host.write("app/inner/deep.txt", "deep\n");
    await host.write("build/kept.txt", "of no rule\n");
    const app = join(host.workspace, "app");
    for (const place of [app, join(app, "inner"), join(host.workspace, "unborn")]) {
      await host.git("init", "--quiet", place);
    }
    await host.write("unborn/first.txt", "1\n");
    await host.git("-C", app, "add", "main.py");
    const author = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    await host.git("-C", app, ...author, "commit", "--quiet", "-m", "x");
    await host.push();
    expect((await host.files()).sort()).toEqual([
      "app/.gitignore",
      "app/inner/deep.txt",
      "app/main.py",
      "build/kept.txt",
      "unborn/first.txt",
    ]);
    // What the workspace becomes once more of it is a repository, or none, changes nothing there.
    await rm(join(app, ".git"), { recursive: true });
    expect(await host.push()).toMatchObject({ changed: false });
  });

  it("leaves out what is no part of it", async () => {
    await host.write(".aihub/history.db", "x");
    await host.write("app/node_modules/left-pad/index.js", "x");
    await host.write("app/package.json", "{}\n");
    await host.write("large.bin", Buffer.alloc(50 * 1024 * 1024 + 1));
    await host.write("odd/GIT~1/config", "x");
    await symlink("../app/package.json", join(host.workspace, "odd/inside"));
    await symlink("../../keys", join(host.workspace, "odd/outside"));
    await symlink("/etc/passwd", join(host.workspace, "absolute"));
    await symlink(host.folder, join(host.workspace, "folder"));
    await promisify(execFile)("mkfifo", [join(host.workspace, "pipe")]);
    const socket = createServer();
    await new Promise<void>((resolve) => socket.listen(join(host.workspace, "socket"), resolve));
    try {
      const { leftOut } = await host.push();
      expect(leftOut.sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
        { path: "absolute", why: "a link that leads out" },
        { path: "folder", why: "a link that leads out" },
        { path: "large.bin", why: "too large" },
        { path: "odd/GIT~1/config", why: "a name that git refuses" },
        { path: "odd/outside", why: "a link that leads out" },
      ]);
      expect(await host.files()).toEqual(["app/package.json", "odd/inside"]);
      expect(await host.remote("ls-tree", "main:odd")).toMatch(/^120000 blob \w+\tinside\n$/);
    } finally {
      socket.close();
    }
  });

  it("leaves out what a server that looks into files refuses all for", async () => {
    await host.remote("config", "receive.fsckObjects", "true");
    const long = `*.x ${"a".repeat(2044)}\n`;
    const refused = [
      ...["a\\.git", "x\\git~1", ".git\\x", "d/.GITmodules", ".gitmodules", "e/.gitattributes/x"],
      ...[".gitattributes", "f\\.gitattributes"],
    ];
    for (const path of refused) {
      const content = /modules$/.test(path) ? '[submodule "a"]\n\turl = -u./x\n' : long;
      await host.write(path, content);
    }
    // What only looks like it.
    const kept = ["b\\c.txt", "d/.gitattributes", "d/gitmodules", "d/x.git"];
    for (const path of kept) await host.write(path, long.replace("aa", ""));
    const { leftOut } = await host.push();
    expect(leftOut.map(({ path }) => path).sort()).toEqual(refused.sort());
    const whyOf = new Map(leftOut.map(({ path, why }) => [path, why]));
    expect(whyOf.get(".gitattributes")).toBe("a line that git refuses");
    expect(whyOf.get(".gitmodules")).toBe("a name that git refuses");
    expect((await host.files()).sort()).toEqual(kept.sort());
  });

  it("leaves the key nowhere, and none of it in what ssh and git are told", async () => {
    await host.write("a.txt", "a\n");
    await host.push();
    expect(await readdir(host.options.remote.keysFolder)).toEqual(["git-known-hosts"]);
    expect((await stat(host.options.folder)).mode & 0o077).toBe(0);
  });
});

describe("secrets", () => {
  const planted: [path: string, content: string | Buffer, secret: string, kind: string][] = [
    ["aws/credentials", `aws_access_key_id = ${awsId}\n`, awsId, "aws"],
    ["aws/secret.env", `AWS_SECRET_ACCESS_KEY=${awsSecret}\n`, awsSecret, "aws"],
    ["id_rsa", rsaKey, middleOf(rsaKey), "private key"],
    ["tls/server.pem", `some words\n${edKey}`, middleOf(edKey), "private key"],
    ["config.json", JSON.stringify({ key: rsaKey }), middleOf(rsaKey), "private key"],
    ["ci.yml", `token: ${githubToken}\n`, githubToken, "github"],
    ["bot.py", `# secretlint-disable\nSLACK = "${slackToken}"\n`, slackToken, "slack"],
    ["far.txt", `${"words and words\n".repeat(20_000)}${githubToken}\n`, githubToken, "github"],
    ["edge.txt", `${" ".repeat(64 * 1024 - 20)}${githubToken}\n`, githubToken, "github"],
    ["wide.txt", Buffer.from(`\ufeff${githubToken}`, "utf16le"), githubToken, "github"],
    ["app.sqlite", Buffer.from(`\0\0\u0001 ${githubToken}\0`), githubToken, "github"],
    ["mcp.json", "Bearer the hub's own token, 4711", "the hub's own token", "the hub's own"],
  ];

  it("never get there, and are named by place and kind alone", async () => {
    await host.write("good.txt", "nothing\n");
    for (const [path, content] of planted) await host.write(path, content);
    await host.write(`names/${githubToken}/a.txt`, "a\n");
    const pushed = await host.push();
    expect(await host.files()).toEqual(["good.txt"]);
    const everything = await host.everything();
    expect(everything).toContain("good.txt");
    for (const [path, , secret] of planted) {
      expect(everything.includes(secret), path).toBe(false);
      expect(everything.includes(Buffer.from(secret, "utf16le").toString("latin1")), path).toBe(
        false,
      );
    }
    const told = new Map(pushed.secrets.map(({ path, kinds }) => [path, kinds.join()]));
    for (const [path, , , kind] of planted) expect(told.get(path), path).toBe(kind);
    expect(pushed.secrets).toHaveLength(planted.length + 1);
    // A folder whose name is the secret must not be told either.
    expect(told.get("names/(a secret)/a.txt")).toBe("github");
    expect(JSON.stringify(pushed)).not.toContain(githubToken);
  });

  it("are not sent when a file gets one later, nor by a scan that was remembered", async () => {
    await host.write("a.txt", "a\n");
    await host.write("b.txt", "b\n");
    await host.push();
    await host.write("a.txt", `a\n${githubToken}\n`);
    const second = await host.push();
    expect(second.secrets).toEqual([{ path: "a.txt", kinds: ["github"], pushedBefore: false }]);
    expect(await host.files()).toEqual(["b.txt"]);
    const third = await host.push();
    expect(third.secrets).toEqual(second.secrets);
    expect(third.changed).toBe(false);
    expect((await host.everything()).includes(githubToken)).toBe(false);
    await host.write("a.txt", "a again\n");
    expect(await host.push()).toMatchObject({ changed: true, secrets: [] });
    expect(await host.files()).toEqual(["a.txt", "b.txt"]);
  });

  it("that a later scanner finds are taken out, and said to be in the history", async () => {
    await host.write("a.txt", "a word that becomes a password\n");
    await host.write("b.txt", "b\n");
    await host.push();
    const scanner = new SecretScanner(["becomes a password"]);
    expect((await host.push({ scanner })).secrets).toEqual([
      { path: "a.txt", kinds: ["the hub's own"], pushedBefore: true },
    ]);
    expect(await host.files()).toEqual(["b.txt"]);
  });

  it("are looked for once in what does not change", async () => {
    await host.write("a.txt", "a\n");
    await host.write("b.txt", "b\n");
    const scanned: string[] = [];
    const scanner = new SecretScanner();
    const { scan } = scanner;
    scanner.scan = (content) => {
      scanned.push(content.toString());
      return scan.call(scanner, content);
    };
    await host.push({ scanner });
    await host.write("b.txt", "b, changed\n");
    scanned.length = 0;
    await host.push({ scanner });
    expect(scanned).toEqual(["a.txt\nb.txt", "b, changed\n"]);
  });
});

describe("a repository elsewhere", () => {
  beforeEach(() => host.write("a.txt", "a\n"));
  const access = (change: Partial<typeof host.options.remote>) =>
    host.push({ remote: { ...host.options.remote, ...change } });

  it("with another host key is refused, before anything is sent", async () => {
    const other = sshKeyPair().public;
    await expect(access({ hostKey: other })).rejects.toThrow(
      /its host key is another\.\n {2}fix: .*backup\.gitHostKey/,
    );
    expect(host.server.commands).toEqual([]);
  });

  it("may be pinned by a line of known_hosts, and not by something else", async () => {
    await access({ hostKey: `# of its operator\n[127.0.0.1]:22 ${host.server.hostKey}\n` });
    await expect(access({ hostKey: "SHA256:abcdef" })).rejects.toThrow(/is no SSH host key/);
  });

  it("that refuses the key is told", async () => {
    const other = sshKeyPair().private;
    await expect(access({ key: other })).rejects.toThrow(
      /refuses the key\.\n {2}fix: .*deploy key/,
    );
    await expect(access({ key: "no key\n" })).rejects.toThrow(/backupGitKey is no SSH key/);
  });

  it("that cannot be reached, or is not there, is told", async () => {
    await expect(access({ url: "ssh://root@127.0.0.1:1/x.git" })).rejects.toThrow(
      /^The git repository ssh:\/\/root@127\.0\.0\.1:1\/x\.git cannot be reached\.\n {2}fix: /,
    );
    await rm(host.repository, { recursive: true });
    await expect(host.push()).rejects.toThrow(/is not there, or this key may not see it\.\n/);
  });

  it("that protects its branch is told, and gets everything once it does not", async () => {
    const hook = join(host.repository, "hooks/pre-receive");
    await mkdir(join(host.repository, "hooks"), { recursive: true });
    await writeFile(hook, "#!/bin/sh\necho protected; exit 1\n", { mode: 0o755 });
    await expect(host.push()).rejects.toThrow(/its rules protect the branch main\.\n/);
    await host.write("b.txt", "b\n");
    await rm(hook);
    await host.push();
    expect(await host.commits()).toHaveLength(1);
    expect(await host.files()).toEqual(["a.txt", "b.txt"]);
  });

  it.each(["the first", "a later"])(
    "that refuses a file in %s push gets the rest without it",
    async (which) => {
      // Looks at each commit that comes, as scanners do.
      const hook = join(host.repository, "hooks/pre-receive");
      await mkdir(join(host.repository, "hooks"), { recursive: true });
      await writeFile(
        hook,
        "#!/bin/sh\nread -r old new ref\nfor c in $(git rev-list $new); do git ls-tree -r --name-only $c; done | grep bad && exit 1\nexit 0\n",
        { mode: 0o755 },
      );
      if (which === "a later") await host.push();
      await host.write("bad.txt", "what the server does not want\n");
      await expect(host.push()).rejects.toThrow(/refuses the push/);
      await expect(host.push()).rejects.toThrow(/refuses the push/);
      await rm(join(host.workspace, "bad.txt"));
      await host.write("c.txt", "c\n");
      expect(await host.push()).toMatchObject({ changed: true });
      expect(await host.files()).toEqual(["a.txt", "c.txt"]);
      expect(await host.commits()).toHaveLength(which === "a later" ? 2 : 1);
      expect(await host.everything()).not.toContain("does not want");
    },
  );

  it("with commits of its own keeps them, and is told", async () => {
    await foreignCommit(host, "README.md");
    const theirs = await host.remote("rev-parse", "main");
    await expect(host.push()).rejects.toThrow(
      /has commits that are not this hub's, such as \w{12}; nothing was pushed\.\n {2}fix: .*empty.*or rename/,
    );
    // Somebody commits on top of ours, and beside ours.
    await host.remote("branch", "-m", "main", "before");
    await host.push();
    await foreignCommit(host, "theirs.txt");
    await expect(host.push()).rejects.toThrow(/not this hub's, such as/);
    await host.write("a.txt", "ours, meanwhile\n");
    await expect(host.push()).rejects.toThrow(/not this hub's/);
    expect(await host.files()).toEqual(["a.txt", "theirs.txt"]);
    expect(await host.remote("rev-parse", "before")).toBe(theirs);
    // What the message says to do.
    await host.remote("branch", "-m", "main", "theirs");
    await host.push();
    expect(await host.files()).toEqual(["a.txt"]);
    expect(await host.commits()).toHaveLength(2);
  });

  it("of two hubs is refused to the first of them as soon as the second has pushed", async () => {
    await host.push();
    await host.write("a.txt", "of the second\n");
    await host.push({ hostname: "other.example.com", folder: join(host.folder, "git-of-other") });
    await expect(host.push()).rejects.toThrow(/not this hub's/);
  });
});

describe("the hub's copy", () => {
  it("when it is lost or damaged is fetched again, and the history goes on", async () => {
    await host.write("a.txt", "1\n");
    await host.push();
    await host.write("a.txt", "2\n");
    await host.push();
    await rm(host.options.folder, { recursive: true });
    expect(await host.push({ hostname: "new.example.com" })).toMatchObject({ changed: false });
    await rm(join(host.options.folder, "objects"), { recursive: true });
    await host.write("a.txt", "3\n");
    await host.push();
    expect(await host.commits()).toHaveLength(3);
    await host.remote("fsck", "--full", "--strict");
  });

  it("that is behind takes what the hub had pushed", async () => {
    await host.write("a.txt", "1\n");
    await host.push();
    await host.git("clone", "--quiet", "--mirror", host.options.folder, join(host.folder, "old"));
    await host.write("a.txt", "2\n");
    await host.push();
    await rm(host.options.folder, { recursive: true });
    await rename(join(host.folder, "old"), host.options.folder);
    await host.write("a.txt", "3\n");
    await host.push();
    expect(await host.commits()).toHaveLength(3);
  });

  it.each(["Reading the workspace", "Pushing"])("is good after a kill while %s", async (step) => {
    await host.write("first.txt", "1\n");
    await host.push();
    for (let n = 0; n < 40; n += 1) await host.write(`many/${n}.bin`, randomBytes(200_000));
    for (const delay of [0, 40, 150]) await killedAt(step, delay);
    await writeFile(join(host.options.folder, "refs/heads/main.lock"), "");
    await host.push();
    expect(await host.files()).toHaveLength(41);
    expect(await host.push()).toMatchObject({ changed: false });
    await host.remote("fsck", "--full", "--strict");
    const left = await readdir(join(host.options.folder, "objects/pack"));
    expect(left.filter((name) => name.startsWith("tmp_"))).toEqual([]);
  });
});

async function foreignCommit(on: GitHostUnderTest, path: string): Promise<void> {
  const clone = join(on.folder, `clone-${path}`);
  await on.remote("symbolic-ref", "HEAD", "refs/heads/main");
  await on.git("clone", "--quiet", on.repository, clone);
  await writeFile(join(clone, path), "by a person\n");
  await on.git("-C", clone, "add", ".");
  const author = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"];
  await on.git("-C", clone, ...author, "commit", "--quiet", "-m", "by a person");
  await on.git("-C", clone, "push", "--quiet", "origin", "HEAD:main");
}

/** A push in a process of its own, killed with all that it started, milliseconds after it says that the step begins. */
async function killedAt(step: string, delay: number): Promise<void> {
  const { scanner: _, ...options } = host.options;
  const module = (name: string) =>
    JSON.stringify(new URL(`../../../recovery/${name}`, import.meta.url).href);
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "-e",
      `const { pushWorkspace } = await import(${module("git/push-workspace.ts")});
       const { SecretScanner } = await import(${module("git/secret-scanner.ts")});
       const { progress } = await import(${module("progress.ts")});
       await pushWorkspace({ ...JSON.parse(process.env.OPTIONS), scanner: new SecretScanner() }, progress);`,
    ],
    {
      env: { ...process.env, OPTIONS: JSON.stringify(options) },
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    },
  );
  let said = "";
  await new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.stderr.on("data", (chunk: Buffer) => {
      if (said.includes(step)) return;
      said += chunk;
      if (said.includes(step)) {
        setTimeout(() => process.kill(-(child.pid as number), "SIGKILL"), delay);
      }
    });
  });
  // A step that had ended before is no failure; one that never began is.
  if (!said.includes(step))
    expect(existsSync(join(host.options.folder, "scanned.json"))).toBe(true);
}
