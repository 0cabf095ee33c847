/** The hub's own server as a process: the gate, and what a person does at the hub's own pages. */
import { request } from "node:http";
import { readEnvironment } from "./environment.ts";
import { startHubServer, statusOf } from "./server.ts";
import { statusText } from "./status/status-text.ts";

const help = `usage: hub-server [health | status [--json]]

Without an argument: serves at the Unix socket SOCKET until told to stop. health: asks a running one how it is; exit code 0 when well.
status: prints how the hub is; exit code 0 when every service is healthy.
Environment: SOCKET, CHAT_URL, PUBLIC_URL, ACCESS, READERS, TOKENS_FILE, CHAT_KEY_FILE, STATUS_DIR,
AUDIT_DIR, FRONT_DOOR, STATE, SESSION_MS.
`;

const [verb, option] = process.argv.slice(2);
try {
  if (verb === undefined) await serve();
  else if (verb === "health") process.exitCode = (await isWell(process.env.SOCKET ?? "")) ? 0 : 1;
  else if (verb === "status") process.exitCode = (await printStatus(option === "--json")) ? 0 : 1;
  else if (verb === "--help") process.stdout.write(help);
  else throw new Error(`there is no "${verb}"\n${help}`);
} catch (error) {
  process.stderr.write(`hub-server: ${(error as Error).message}\n`);
  process.exitCode = 1;
}

async function serve(): Promise<void> {
  const settings = readEnvironment(process.env);
  const server = await startHubServer(settings);
  process.stderr.write(`serving at ${settings.socket}\n`);
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

function isWell(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: "/health", timeout: 4_000 }, (response) => {
      response.pipe(process.stdout);
      response.on("end", () => resolve(response.statusCode === 200));
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", (error) => {
      process.stdout.write(`${error.message}\n`);
      resolve(false);
    });
    asked.end();
  });
}
