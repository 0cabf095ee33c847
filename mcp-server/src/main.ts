/** The server as a process: starts, and ends cleanly when asked to. In a worker thread it is a worker of the search. */
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  // A reader of our output that has gone is no reason to die.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  try {
    await run();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
} else {
  // Bundled into one file, this is what a worker starts from.
  const { serveWalks } = await import("./search/worker.ts");
  serveWalks();
}

async function run(): Promise<void> {
  const { parseCommandLine } = await import("./command-line.ts");
  const command = parseCommandLine(process.argv.slice(2), process.env);
  switch (command.verb) {
    case "help":
      process.stdout.write(command.text);
      return;
    case "serve": {
      const { startServer } = await import("./http/server.ts");
      const server = await startServer(command.settings);
      const metrics = server.metricsUrl ? `, metrics at ${server.metricsUrl}` : "";
      process.stderr.write(`serving ${command.settings.workspace} at ${server.url}${metrics}\n`);
      // Docker kills after ten seconds.
      onStop(() => server.close(8_000));
      return;
    }
    case "stdio": {
      const { startStdio } = await import("./protocol/stdio.ts");
      const server = await startStdio(command.settings);
      onStop(() => server.close());
      await server.ended;
      process.exit(0);
      return;
    }
    default: {
      const { tokenCreated, tokenList, tokenRevoked } = await import("./access/token-command.ts");
      if (command.verb === "token create") {
        process.stdout.write(tokenCreated(command.file, command.token, command.json));
      } else if (command.verb === "token list") {
        process.stdout.write(tokenList(command.file, command.json));
      } else process.stdout.write(tokenRevoked(command.file, command.name));
    }
  }
}

function onStop(close: () => Promise<void>): void {
  let stopping = false;
  const stop = async (signal: string) => {
    // Whoever asks twice does not want to wait.
    if (stopping) process.exit(1);
    stopping = true;
    process.stderr.write(`${signal}: letting running calls end\n`);
    await close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
