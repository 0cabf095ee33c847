/** The hub's own server as a process: the gate, and what a person does at the hub's own pages. */
import { request } from "node:http";
import { readEnvironment } from "./environment.ts";
import { startHubServer } from "./server.ts";

const help = `usage: hub-server [health]

Without an argument: serves at the Unix socket SOCKET until told to stop. health: asks a running one how it is; exit code 0 when well.
Environment: SOCKET, CHAT_URL, PUBLIC_URL, ACCESS, READERS, TOKENS_FILE, STATE, SESSION_MS.
`;

const [verb] = process.argv.slice(2);
try {
  if (verb === undefined) await serve();
  else if (verb === "health") process.exitCode = (await isWell(process.env.SOCKET ?? "")) ? 0 : 1;
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
