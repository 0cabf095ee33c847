/** The repository elsewhere that gets the workspace: reached by ssh, with the pinned host key and the deploy key alone. */
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../hub/user-error.ts";
import { BRANCH, type GitRepository } from "./git-repository.ts";
import { isRefusal, remoteError } from "./remote-error.ts";

export interface RemoteAccess {
  url: string;
  /** OpenSSH private key. */
  key: string;
  /** As known_hosts has it, with or without the host's name; several lines for several keys. */
  hostKey: string;
  /** In memory: where the key lies while it is used. */
  keysFolder: string;
}

/** Where it is fetched to. */
const THEIRS = "refs/remotes/origin/main";

/** The name under which ssh looks the pinned key up, whatever the port. */
const ALIAS = "aihub-git";

/** Milliseconds; a connection that is dead ends much earlier, by ssh. */
const LOOK_WITHIN = 5 * 60_000;
const MOVE_WITHIN = 3 * 60 * 60_000;

export class Remote {
  readonly #repository: GitRepository;
  readonly #url: string;
  readonly #env: Record<string, string>;

  private constructor(repository: GitRepository, url: string, env: Record<string, string>) {
    this.#repository = repository;
    this.#url = url;
    this.#env = env;
  }

  /** `work` gets the remote; the key is gone afterwards. @throws UserError */
  static async with<T>(
    repository: GitRepository,
    { url, key, hostKey, keysFolder }: RemoteAccess,
    work: (remote: Remote) => Promise<T>,
  ): Promise<T> {
    await mkdir(keysFolder, { recursive: true, mode: 0o700 });
    const keyFile = join(keysFolder, "git-key");
    const knownHosts = join(keysFolder, "git-known-hosts");
    try {
      await secretFile(keyFile, key.endsWith("\n") ? key : `${key}\n`);
      await secretFile(knownHosts, pinned(hostKey));
      return await work(
        new Remote(repository, url, {
          GIT_SSH_COMMAND: ssh(keyFile, knownHosts),
          GIT_SSH_VARIANT: "ssh",
        }),
      );
    } finally {
      await rm(keyFile, { force: true });
    }
  }

  /** Its newest commit; undefined when it has no such branch yet. @throws UserError */
  async tip(): Promise<string | undefined> {
    const found = await this.#ask(["ls-remote", "--quiet", "--", this.#url, BRANCH], LOOK_WITHIN);
    return found.split("\t")[0]?.trim() || undefined;
  }

  /** Brings its commits here, beside ours. @throws UserError */
  async fetch(): Promise<void> {
    await this.#ask(
      [
        ...["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", this.#url],
        `+${BRANCH}:${THEIRS}`,
      ],
      MOVE_WITHIN,
    );
  }

  /**
   * Never by force. What the remote refuses is taken back here, up to `theirs`, its newest commit: else each later push would
   * bring it along again, whatever the workspace has by then.
   * @throws UserError
   */
  async push(theirs: string | undefined): Promise<void> {
    const args = ["push", "--", this.#url, `${BRANCH}:${BRANCH}`];
    try {
      await this.#repository.git(args, { env: this.#env, timeout: MOVE_WITHIN });
    } catch (error) {
      if (isRefusal(error as Error)) {
        await this.#repository.git(["update-ref", ...(theirs ? [BRANCH, theirs] : ["-d", BRANCH])]);
      }
      throw remoteError(error as Error, this.#url);
    }
  }

  async #ask(args: readonly string[], timeout: number): Promise<string> {
    try {
      return await this.#repository.git(args, { env: this.#env, timeout });
    } catch (error) {
      throw remoteError(error as Error, this.#url);
    }
  }
}

/** A file that was there keeps its mode unless it is changed. */
async function secretFile(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  await chmod(path, 0o600);
}

function pinned(hostKey: string): string {
  const lines = hostKey.split("\n").flatMap((line) => {
    const found = /(?:^|\s)((?:ssh|ecdsa|sk)-[\w@.-]+ +[A-Za-z0-9+/]{40,}=*)(?:\s|$)/.exec(line);
    return found?.[1] ? [`${ALIAS} ${found[1]}\n`] : [];
  });
  if (lines.length === 0) {
    throw new UserError(
      'The setting backup.gitHostKey is no SSH host key.\n  fix: set it to a key as known_hosts has it, like "ssh-ed25519 AAAA..."; the host\'s operator publishes it',
    );
  }
  return lines.join("");
}

/** Nothing of the host's own SSH configuration counts. The paths are this program's own and need no quotes. */
function ssh(keyFile: string, knownHosts: string): string {
  const options = {
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    HostKeyAlias: ALIAS,
    CheckHostIP: "no",
    UpdateHostKeys: "no",
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: "/dev/null",
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    PreferredAuthentications: "publickey",
    ControlMaster: "no",
    ConnectTimeout: "30",
    ServerAliveInterval: "15",
    ServerAliveCountMax: "8",
  };
  const flags = Object.entries(options).map(([name, value]) => `-o ${name}=${value}`);
  return ["ssh", "-F /dev/null", "-T", `-i ${keyFile}`, ...flags].join(" ");
}
