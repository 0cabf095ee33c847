import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import type { Client, SFTPWrapper, Stats } from "ssh2";
import type { Archive, Asset } from "../wire.ts";

const NO_SUCH_FILE = 2;

/**
 * Copies text, a file or a directory to `destination`, making the directories above it.
 * An existing file is overwritten in place and keeps its mode; a new one gets the server's umask.
 */
export async function copy(client: Client, source: Asset | Archive, destination: string) {
  const remote = remoteFiles(
    await new Promise<SFTPWrapper>((resolve, reject) =>
      client.sftp((error, session) => (error ? reject(error) : resolve(session))),
    ),
  );
  const there = await remote.stat(destination);
  if (source.path !== undefined) {
    const local = await stat(source.path);
    if (local.isDirectory()) await copyDirectory(remote, source.path, destination, there);
    else await copyFile(remote, source.path, destination, there);
    return;
  }
  if (there?.isDirectory()) {
    throw new Error(
      `remote path ${destination} is a directory; when using a text asset, remotePath must be a file path`,
    );
  }
  await remote.makeDirectories(posix.dirname(destination));
  // Text that is empty is not sent at all.
  await remote.write(destination, Buffer.from("text" in source ? (source.text ?? "") : ""));
}

type RemoteFiles = ReturnType<typeof remoteFiles>;

async function copyFile(
  remote: RemoteFiles,
  source: string,
  destination: string,
  there: Stats | undefined,
) {
  const target = there?.isDirectory() ? posix.join(destination, basename(source)) : destination;
  if (!there) await remote.makeDirectories(posix.dirname(destination));
  await remote.write(target, await readFile(source));
}

/** `dir` becomes destination/dir; what is in `dir/` goes into destination itself. */
async function copyDirectory(
  remote: RemoteFiles,
  source: string,
  destination: string,
  there: Stats | undefined,
) {
  if (!there) await remote.makeDirectories(destination);
  const target = source.endsWith("/") ? destination : posix.join(destination, basename(source));
  await copyTree(remote, source, target);
}

async function copyTree(remote: RemoteFiles, source: string, target: string) {
  const there = await remote.stat(target);
  if (there && !there.isDirectory()) {
    throw new Error(`remote path ${target} exists but is not a directory`);
  }
  if (!there) await remote.makeDirectories(target);
  const entries = await readdir(source, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const from = join(source, entry.name);
    const to = posix.join(target, entry.name);
    if (entry.isDirectory()) await copyTree(remote, from, to);
    else await remote.write(to, await readFile(from));
  }
}

function remoteFiles(sftp: SFTPWrapper) {
  const statOf = (path: string) =>
    new Promise<Stats | undefined>((resolve, reject) =>
      sftp.stat(path, (error, found) => {
        if (!error) resolve(found);
        else if ((error as { code?: number }).code === NO_SUCH_FILE) resolve(undefined);
        else reject(new Error(`failed to stat remote path ${path}: ${error.message}`));
      }),
    );
  const makeDirectories = async (path: string): Promise<void> => {
    const there = await statOf(path);
    if (there?.isDirectory()) return;
    if (there) throw new Error(`remote path ${path} exists but is not a directory`);
    await makeDirectories(posix.dirname(path));
    await new Promise<void>((resolve, reject) =>
      sftp.mkdir(path, (error) =>
        error
          ? reject(new Error(`failed to create remote directory ${path}: ${error.message}`))
          : resolve(),
      ),
    );
  };
  return {
    stat: statOf,
    makeDirectories,
    write: (path: string, contents: Buffer) =>
      new Promise<void>((resolve, reject) =>
        sftp.writeFile(path, contents, (error) =>
          error
            ? reject(new Error(`failed to create remote file ${path}: ${error.message}`))
            : resolve(),
        ),
      ),
  };
}
