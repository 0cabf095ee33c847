/** An SSH server on 127.0.0.1 that runs commands in a real shell and serves real files. */
import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, stat } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import ssh2, { type AuthContext, type ServerChannel, type Session, type SFTPWrapper } from "ssh2";
import { sshKeyPair } from "../../ssh-key-pair.ts";

export interface SshServerUnderTest {
  port: number;
  /** Host key as a line for `hostKey`. */
  hostKey: string;
  /** What a client needs to log in. */
  login: { user: string; privateKey: string };
  password: string;
  /** Commands in the order they came. */
  commands: string[];
  /** Connections so far. */
  connections(): number;
  close(): Promise<void>;
}

/** `accepted` are the environment variables that it lets in, as AcceptEnv does; `port` is a free one by default. */
export async function sshServerUnderTest(
  options: { accepted?: string[]; port?: number } = {},
): Promise<SshServerUnderTest> {
  const host = sshKeyPair();
  const user = sshKeyPair();
  const known = ssh2.utils.parseKey(user.public);
  if (known instanceof Error) throw known;
  const password = "correct horse";
  const commands: string[] = [];
  const clients = new Set<{ end(): void }>();
  let connections = 0;

  const admits = (context: AuthContext): boolean => {
    if (context.username !== "root") return false;
    if (context.method === "password") return context.password === password;
    if (context.method !== "publickey") return false;
    if (!context.key.data.equals(known.getPublicSSH())) return false;
    if (!context.signature || !context.blob) return true;
    return known.verify(context.blob, context.signature, context.hashAlgo) === true;
  };

  const server = new ssh2.Server({ hostKeys: [host.private] }, (client) => {
    connections += 1;
    clients.add(client);
    // Missing in the type declarations only.
    (client as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
    client.on("error", () => {});
    client.on("close", () => clients.delete(client));
    client.on("authentication", (context) =>
      admits(context) ? context.accept() : context.reject(["publickey", "password"]),
    );
    client.on("session", (accept) => serveSession(accept(), options.accepted ?? [], commands));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    hostKey: host.public,
    login: { user: "root", privateKey: user.private },
    password,
    commands,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        for (const client of clients) client.end();
        server.close(() => resolve());
      }),
  };
}

function serveSession(session: Session, accepted: string[], commands: string[]) {
  const environment: Record<string, string> = {};
  session.on("env", (accept, reject, { key, val }) => {
    if (!accepted.includes(key)) return reject?.();
    environment[key] = val;
    accept?.();
  });
  session.on("exec", (accept, _reject, { command }) => {
    commands.push(command);
    execute(accept(), command, environment);
  });
  session.on("sftp", (accept) => serveFiles(accept()));
}

function execute(channel: ServerChannel, command: string, environment: Record<string, string>) {
  const shell = spawn("/bin/sh", ["-c", command], { env: { ...process.env, ...environment } });
  channel.pipe(shell.stdin);
  // A command need not read its input.
  shell.stdin.on("error", () => {});
  shell.stdout.on("data", (bytes: Buffer) => channel.write(bytes));
  shell.stderr.on("data", (bytes: Buffer) => channel.stderr.write(bytes));
  shell.on("close", (code, signal) => {
    if (signal) channel.exit(signal.slice(3), false, "");
    else channel.exit(code ?? 1);
    channel.end();
  });
  channel.on("close", () => shell.kill());
}

const { STATUS_CODE, OPEN_MODE } = ssh2.utils.sftp;

function serveFiles(sftp: SFTPWrapper) {
  const handles = new Map<number, FileHandle>();
  const answer = (request: number, work: Promise<unknown>) =>
    work.then(
      () => sftp.status(request, STATUS_CODE.OK),
      (error: NodeJS.ErrnoException) =>
        sftp.status(
          request,
          error.code === "ENOENT" ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE,
          error.message,
        ),
    );
  const opened = (handle: Buffer) => {
    const file = handles.get(handle.readUInt32BE(0));
    if (!file) throw new Error("no such handle");
    return file;
  };
  const attributes = (request: number, path: string) =>
    stat(path).then(
      ({ mode, uid, gid, size, atimeMs, mtimeMs }) =>
        sftp.attrs(request, { mode, uid, gid, size, atime: atimeMs / 1000, mtime: mtimeMs / 1000 }),
      () => sftp.status(request, STATUS_CODE.NO_SUCH_FILE),
    );
  sftp.on("OPEN", (request, path, flags) => {
    const wanted =
      flags & OPEN_MODE.WRITE
        ? constants.O_WRONLY |
          (flags & OPEN_MODE.CREAT ? constants.O_CREAT : 0) |
          (flags & OPEN_MODE.TRUNC ? constants.O_TRUNC : 0)
        : constants.O_RDONLY;
    open(path, wanted, 0o666).then(
      (file) => {
        const handle = Buffer.alloc(4);
        handle.writeUInt32BE(file.fd);
        handles.set(file.fd, file);
        sftp.handle(request, handle);
      },
      (error: Error) => sftp.status(request, STATUS_CODE.FAILURE, error.message),
    );
  });
  sftp.on("WRITE", (request, handle, offset, bytes) => {
    void answer(request, opened(handle).write(bytes, 0, bytes.length, offset));
  });
  sftp.on("CLOSE", (request, handle) => {
    const file = opened(handle);
    handles.delete(file.fd);
    void answer(request, file.close());
  });
  sftp.on("MKDIR", (request, path) => void answer(request, mkdir(path)));
  sftp.on("STAT", (request, path) => void attributes(request, path));
  sftp.on("LSTAT", (request, path) => void attributes(request, path));
}
