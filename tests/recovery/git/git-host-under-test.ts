/** A real git repository behind a real SSH server on 127.0.0.1, a workspace, and the means to look into both. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type PushOptions, pushWorkspace } from "../../../recovery/git/push-workspace.ts";
import { SecretScanner } from "../../../recovery/git/secret-scanner.ts";
import type { Progress } from "../../../recovery/progress.ts";
import { sshServerUnderTest } from "../../../rehearsal/providers/command/ssh-server-under-test.ts";

export const quiet: Progress = { step: (_, work) => work(), note: () => {} };

export type GitHostUnderTest = Awaited<ReturnType<typeof gitHostUnderTest>>;

export async function gitHostUnderTest() {
  const folder = await mkdtemp(join(tmpdir(), "aihub-git-"));
  const workspace = join(folder, "workspace");
  const repository = join(folder, "remote.git");
  await mkdir(workspace);
  const server = await sshServerUnderTest();
  const options: PushOptions = {
    workspace,
    folder: join(folder, "git"),
    remote: {
      url: `ssh://root@127.0.0.1:${server.port}${repository}`,
      key: server.login.privateKey,
      hostKey: server.hostKey,
      keysFolder: join(folder, "keys"),
    },
    hostname: "hub.example.com",
    scanner: new SecretScanner(["the hub's own token, 4711"]),
  };
  const git = async (...args: string[]) => {
    const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
    const { stdout } = await promisify(execFile)("git", args, {
      env,
      maxBuffer: 256 * 1024 * 1024,
      encoding: "latin1",
    });
    return stdout;
  };
  const remote = (...args: string[]) => git("--git-dir", repository, ...args);
  const empty = () => git("init", "--quiet", "--bare", "--initial-branch=main", repository);
  await empty();
  return {
    folder,
    workspace,
    repository,
    server,
    options,
    git,
    remote,
    empty,
    async write(path: string, content: string | Buffer, mode = 0o644) {
      await mkdir(dirname(join(workspace, path)), { recursive: true });
      await writeFile(join(workspace, path), content, { mode });
    },
    push: (change: Partial<PushOptions> = {}) => pushWorkspace({ ...options, ...change }, quiet),
    /** Paths in the newest commit there. */
    files: async () =>
      Buffer.from(await remote("ls-tree", "-r", "-z", "--name-only", "main"), "latin1")
        .toString()
        .split("\0")
        .filter(Boolean),
    commits: async () => (await remote("log", "--format=%s|%an|%ae", "main")).trim().split("\n"),
    /** Everything that was ever sent there, in whichever commit or none. */
    everything: () =>
      remote("cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer"),
    async remove() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
