import type { Client, SFTPWrapper } from "ssh2";
import type { Operation } from "../resource.ts";

export interface Script {
  command: string;
  stdin: string | undefined;
  environment: Record<string, string>;
  /** Variables that may be refused without harm. */
  previous: Record<string, string>;
  logged: { stdout: boolean; stderr: boolean };
}

/** The real provider reads logged output by lines of at most this size, and hangs for ever on a longer one. */
const LONGEST_LINE = 64 * 1024;

/** Runs a script in the other side's login shell; an exit code other than 0 is an error with all the output. */
export async function run(
  client: Client,
  script: Script,
  operation: Operation,
): Promise<{ stdout: string; stderr: string }> {
  const environment = await acceptedEnvironment(client, script, operation);
  const output = { stdout: "", stderr: "", both: "" };
  await new Promise<void>((resolve, reject) => {
    client.exec(script.command, { env: environment }, (error, channel) => {
      if (error) return reject(error);
      // All listeners now: a short command may have ended before anything awaited here goes on.
      const listen = (stream: NodeJS.ReadableStream, name: "stdout" | "stderr") => {
        const lines = script.logged[name] ? lineLog(operation) : undefined;
        stream.setEncoding("utf8");
        stream.on("data", (text: string) => {
          output[name] += text;
          output.both += text;
          if (lines && !lines.add(text)) reject(new Error(tooLong(script.command)));
        });
      };
      listen(channel, "stdout");
      listen(channel.stderr, "stderr");
      channel.on("error", reject);
      channel.on("close", (code: number | null | undefined, signal?: string) => {
        if (code === 0) return resolve();
        reject(
          new Error(
            `${ending(code, signal)}: running ${JSON.stringify(script.command)}:\n${output.both}`,
          ),
        );
      });
      channel.end(script.stdin ?? "");
    });
  });
  return {
    stdout: output.stdout.replace(/\n$/, ""),
    stderr: output.stderr.replace(/\n$/, ""),
  };
}

function ending(code: number | null | undefined, signal: string | undefined): string {
  if (code === undefined) return "wait: remote command exited without exit status or exit signal";
  return code === null
    ? `Process exited with signal ${signal}`
    : `Process exited with status ${code}`;
}

/** Shows complete lines as they come; false once a line is longer than the real provider survives. */
function lineLog(operation: Operation): { add(text: string): boolean } {
  let rest = "";
  return {
    add(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      if ([...lines, rest].some((line) => line.length >= LONGEST_LINE)) return false;
      for (const line of lines) operation.status(line);
      return true;
    },
  };
}

const tooLong = (command: string) =>
  `running ${JSON.stringify(command)}: it printed a line of more than ${LONGEST_LINE} bytes while its output is ` +
  `logged. The real command provider hangs for ever there: set logging to "none", or print shorter lines.`;

/**
 * The variables that the server accepts. A refusal of the program's own is an error, as with the real provider;
 * for the output of the previous run it is a warning.
 */
async function acceptedEnvironment(
  client: Client,
  script: Script,
  operation: Operation,
): Promise<Record<string, string>> {
  const accepted: Record<string, string> = {};
  for (const [name, value] of Object.entries(script.environment)) {
    if (!(await accepts(client, name, value))) {
      operation.report("error", refusal(name));
      throw new Error(`could not set environment variable "${name}": ssh: setenv failed`);
    }
    accepted[name] = value;
  }
  for (const [name, value] of Object.entries(script.previous)) {
    if (value === "") continue;
    if (await accepts(client, name, value)) accepted[name] = value;
    else operation.report("warning", refusal(name));
  }
  return accepted;
}

/** Asks by a session of its own: ssh2 tells of a refused variable only when it opens SFTP. */
function accepts(client: Client, name: string, value: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    // Documented, yet not in the type declarations.
    const sftp = client.sftp.bind(client) as unknown as (
      environment: Record<string, string>,
      callback: (error: Error | undefined, session?: SFTPWrapper) => void,
    ) => void;
    sftp({ [name]: value }, (error, session) => {
      session?.end();
      if (!error || /subsystem/i.test(error.message)) resolve(true);
      else if (/environment/i.test(error.message)) resolve(false);
      else reject(error);
    });
  });
}

const refusal = (name: string) =>
  `Unable to set '${name}'. This only works if your SSH server is configured to accept these variables via ` +
  "AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could prefix the " +
  "command itself with the variables in the form 'VAR=value command'";
