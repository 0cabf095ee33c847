/** The hub's own server as a process: the gate, and what a person does at the hub's own pages. */
import { hostname } from "node:os";
import { healthAt, ownSocket } from "./door-socket.ts";
import { readEnvironment, readGateEnvironment } from "./environment.ts";
import { type RunningHubServer, startGate, startHubServer, statusOf } from "./server.ts";
import { statusText } from "./status/status-text.ts";

const help = `usage: hub-server [gate | health | status [--json]]

Without an argument: serves at the Unix socket SOCKET until told to stop.
gate: the same, but the gate alone.
health: asks a running one how it is; exit code 0 when it is well.
status: prints how the hub is; exit code 0 when every service is healthy.

Environment of the gate: SOCKET, CHAT_URL, PUBLIC_URL, TOKENS_FILE; ACCESS, READERS, SESSION_MS.
Of all of it besides: CHAT_KEY_FILE, STATE, STATUS_DIR, AUDIT_DIR, FRONT_DOOR; for a certificate: ACME_SERVER,
ACME_STAGING_SERVER, ACME_RESOLVER, ACME_CA_FILE, CERTIFICATE_FOLDER.
`;

const [verb, option] = process.argv.slice(2);
try {
  if (verb === undefined) untilStopped(await startHubServer(readEnvironment(process.env)));
  else if (verb === "gate") untilStopped(await startGate(readGateEnvironment(process.env)));
  else if (verb === "health") process.exitCode = (await isWell()) ? 0 : 1;
  else if (verb === "status") process.exitCode = (await printStatus(option === "--json")) ? 0 : 1;
  else if (verb === "--help") process.stdout.write(help);
  else throw new Error(`there is no "${verb}"\n${help}`);
} catch (error) {
  process.stderr.write(`hub-server: ${(error as Error).message}\n`);
  process.exitCode = 1;
}

function untilStopped(server: RunningHubServer): void {
  process.stderr.write(`serving at ${process.env.SOCKET}\n`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      // Docker kills after ten seconds; a page that listens for news would keep it waiting.
      setTimeout(() => process.exit(0), 5_000).unref();
      void server.close().then(() => process.exit(0));
    });
  }
}

async function printStatus(json: boolean): Promise<boolean> {
  const status = await statusOf(readEnvironment(process.env)).read();
  process.stdout.write(json ? `${JSON.stringify(status, undefined, 2)}\n` : statusText(status));
  return status.healthy;
}

/** Of this process's own server, which need not be the one that nginx asks. */
async function isWell(): Promise<boolean> {
  const { SOCKET = "", INSTANCE } = process.env;
  const { well, text } = await healthAt(ownSocket(SOCKET, INSTANCE || hostname()));
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  return well;
}
