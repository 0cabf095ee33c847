/** The server as a process: starts, and ends cleanly when asked to. */
import { help, parseCommandLine } from "./command-line.ts";
import { startServer } from "./http.ts";

try {
  const settings = parseCommandLine(process.argv.slice(2), process.env);
  if (settings === "help") {
    process.stdout.write(help);
  } else {
    const server = await startServer(settings);
    process.stderr.write(`serving ${settings.workspace} at ${server.url}\n`);
    let stopping = false;
    const stop = async (signal: string) => {
      // Whoever asks twice does not want to wait.
      if (stopping) process.exit(1);
      stopping = true;
      process.stderr.write(`${signal}: letting running calls end\n`);
      // Docker kills after ten seconds.
      await server.close(8_000);
      process.exit(0);
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
