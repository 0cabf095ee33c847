/**
 * The socket that nginx asks at. Each process listens at one of its own, and the path that nginx knows is a link to one of them,
 * put in its place in one step: another process takes over without a moment in which nobody listens.
 */
import { chmod, readdir, rename, rm, symlink } from "node:fs/promises";
import { request, type Server } from "node:http";
import { connect } from "node:net";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface Door {
  /** No longer tries to take over. Closing the server removes its own socket, and never another's. */
  leave(): void;
}

export interface Health {
  well: boolean;
  /** What it said, or why it did not. */
  text: string;
}

/** Milliseconds between two looks whether to take over. */
const LOOK_EVERY = 200;

/** Where the process called `instance` listens, whoever `path` leads to. */
export function ownSocket(path: string, instance: string): string {
  return `${path}.${instance}`;
}

/** Listens, and takes `path` over: at once when nobody answers there, else when this server is well. */
export async function listenAtDoor(server: Server, path: string, instance: string): Promise<Door> {
  const own = ownSocket(path, instance);
  // Left by one that was killed.
  await rm(own, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(own, resolve);
  });
  // Its folder says who reaches it: nginx's group.
  await chmod(own, 0o666);
  const left = new AbortController();
  if (await isAnswered(path)) void takeOver(own, path, left.signal);
  else await lead(path, own);
  return { leave: () => left.abort() };
}

/** Asks the server at a socket how it is. */
export function healthAt(socketPath: string): Promise<Health> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: "/health", timeout: 4_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("error", (error) => resolve({ well: false, text: error.message }));
      response.on("end", () => resolve({ well: response.statusCode === 200, text }));
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", (error) => resolve({ well: false, text: error.message }));
    asked.end();
  });
}

async function takeOver(own: string, path: string, left: AbortSignal): Promise<void> {
  while (!left.aborted) {
    if ((await healthAt(own)).well || !(await isAnswered(path))) {
      if (!left.aborted) await lead(path, own).catch(complain);
      return;
    }
    await sleep(LOOK_EVERY, undefined, { signal: left, ref: false }).catch(() => {});
  }
}

async function lead(path: string, own: string): Promise<void> {
  const next = `${own}.next`;
  await rm(next, { force: true });
  await symlink(basename(own), next);
  await rename(next, path);
  const folder = dirname(path);
  for (const name of await readdir(folder)) {
    const other = join(folder, name);
    if (!name.startsWith(`${basename(path)}.`) || other === own) continue;
    if (!(await isAnswered(other))) await rm(other, { force: true });
  }
}

/** Whether a process listens there. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function complain(error: Error): void {
  process.stderr.write(`the socket cannot be taken over: ${error.message}\n`);
}
