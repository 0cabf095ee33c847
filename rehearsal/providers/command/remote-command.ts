import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Operation, Resource } from "../resource.ts";
import { type Properties, unknown } from "../wire.ts";
import { connection, withConnection } from "./connection.ts";
import { run } from "./run.ts";

const inputs = z.strictObject({
  addPreviousOutputInEnv: z.boolean().optional(),
  connection,
  create: z.string().optional(),
  delete: z.string().optional(),
  environment: z.record(z.string(), z.string()).optional(),
  logging: z.enum(["stdout", "stderr", "stdoutAndStderr", "none"]).optional(),
  stdin: z.string().optional(),
  triggers: z.array(z.unknown()).optional(),
  update: z.string().optional(),
});
type Inputs = z.infer<typeof inputs>;

export const remoteCommand: Resource<Inputs> = {
  type: "command:remote:Command",
  inputs,
  replaceOn: ["triggers"],
  computed: ["stdout", "stderr"],
  changing: ["stdout", "stderr"],
  secrets: ["connection"],

  async create(given, operation) {
    const name = operation.urn.split("::").at(-1) ?? "";
    const output = await runScript(given.create, given, {}, operation);
    return { id: `${name}${randomBytes(4).toString("hex")}`, outputs: { ...given, ...output } };
  },

  async update(_id, given, old, operation) {
    const output = await runScript(given.update ?? given.create, given, old.outputs, operation);
    return { ...given, ...output };
  },

  async delete(_id, old, operation) {
    await runScript(old.inputs.delete, old.inputs, old.outputs, operation);
  },
};

/** Runs one of the three scripts; without one, the previous output stays. */
async function runScript(
  command: string | undefined,
  given: Inputs,
  previous: Properties,
  operation: Operation,
): Promise<{ stdout: string; stderr: string }> {
  const before = { stdout: textOf(previous.stdout), stderr: textOf(previous.stderr) };
  if (command === undefined) return before;
  const logging = given.logging ?? "stdoutAndStderr";
  return withConnection(given.connection, operation, (client) =>
    run(
      client,
      {
        command,
        stdin: given.stdin,
        environment: given.environment ?? {},
        previous:
          given.addPreviousOutputInEnv === false
            ? {}
            : { PULUMI_COMMAND_STDOUT: before.stdout, PULUMI_COMMAND_STDERR: before.stderr },
        logged: {
          stdout: logging === "stdout" || logging === "stdoutAndStderr",
          stderr: logging === "stderr" || logging === "stdoutAndStderr",
        },
      },
      operation,
    ),
  );
}

function textOf(value: unknown): string {
  return value === unknown || value === undefined ? "" : String(value);
}
