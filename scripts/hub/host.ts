/** A shell on the hub's host, its key pinned to the one that the program made. */
import type { ClientChannel } from "ssh2";
import { connectToHost } from "../../components/host-connection.ts";
import { UserError } from "../../hub/user-error.ts";
import { silent } from "../progress.ts";
import { type OpenStack, openStack } from "./stack.ts";
import type { Values } from "./verb.ts";

export interface HostShell {
  /** Runs a command; its output goes where the caller says, `input` to its standard input. @returns the exit code */
  run(
    command: string,
    output?: { stdout: (chunk: Buffer) => void; stderr: (chunk: Buffer) => void },
    input?: string,
  ): Promise<{ code: number; stdout: string; stderr: string }>;
  /** A shell for the person at the keyboard. */
  interactive(): Promise<number>;
  close(): void;
}

/** @throws UserError when the hub has no host yet, or it does not answer */
export async function openHost(open: OpenStack): Promise<HostShell> {
  const outputs = await open.stack.outputs();
  const value = (name: string) => outputs[name]?.value as string | undefined;
  const address = value("ipAddress");
  const privateKey = value("sshPrivateKey");
  const hostKey = value("sshHostKey");
  if (!address || !privateKey || !hostKey) {
    throw new UserError(`Stack ${open.stack.name} has no host yet; npm start makes the hub first`);
  }
  const client = await connectToHost({ address, privateKey, hostKey }).catch((error: Error) => {
    throw new UserError(
      `The host at ${address} does not answer SSH: ${error.message}\n` +
        "  Is this address among aihub:adminCidrs? npm run hub -- doctor looks further",
    );
  });
  return {
    run: (command, output, input) =>
      new Promise((resolve, reject) => {
        client.exec(command, (error, channel) => {
          if (error) return reject(error);
          const stdout: Buffer[] = [];
          const stderr: Buffer[] = [];
          let code = 255;
          channel.on("data", (chunk: Buffer) =>
            output ? output.stdout(chunk) : stdout.push(chunk),
          );
          channel.stderr.on("data", (chunk: Buffer) =>
            output ? output.stderr(chunk) : stderr.push(chunk),
          );
          channel.on("exit", (status: number | null) => {
            code = status ?? 255;
          });
          channel.on("close", () =>
            resolve({
              code,
              stdout: Buffer.concat(stdout).toString(),
              stderr: Buffer.concat(stderr).toString(),
            }),
          );
          channel.end(input);
        });
      }),
    interactive: () =>
      new Promise((resolve, reject) => {
        const { stdin, stdout } = process;
        client.shell(
          { rows: stdout.rows, cols: stdout.columns, term: process.env.TERM ?? "xterm" },
          (error: Error | undefined, channel: ClientChannel) => {
            if (error) return reject(error);
            stdin.setRawMode?.(true);
            stdin.pipe(channel).pipe(stdout);
            const resize = () => channel.setWindow(stdout.rows, stdout.columns, 0, 0);
            stdout.on("resize", resize);
            let code = 0;
            channel.on("exit", (status: number | null) => {
              code = status ?? 255;
            });
            channel.on("close", () => {
              stdin.setRawMode?.(false);
              stdout.off("resize", resize);
              resolve(code);
            });
          },
        );
      }),
    close: () => client.end(),
  };
}

/** Opens the stack and its host for one piece of work, and closes both after. */
export async function withHost(
  values: Values,
  work: (host: HostShell) => Promise<number>,
): Promise<number> {
  const open = await openStack(values, silent, "engine");
  try {
    const host = await openHost(open);
    try {
      return await work(host);
    } finally {
      host.close();
    }
  } finally {
    await open.close();
  }
}

/** Runs a command on the host with its output on this process's own. @returns its exit code */
export async function passThrough(host: HostShell, command: string): Promise<number> {
  const { code } = await host.run(command, {
    stdout: (chunk) => process.stdout.write(chunk),
    stderr: (chunk) => process.stderr.write(chunk),
  });
  return code;
}
