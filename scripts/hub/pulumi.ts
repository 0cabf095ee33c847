import { spawn } from "node:child_process";
import { silent } from "../progress.ts";
import { openStack } from "./stack.ts";
import { defineVerb } from "./verb.ts";

export const verb = defineVerb({
  name: "pulumi",
  summary: "Runs the plain Pulumi CLI on the stack, with everything it needs running",
  arguments: "ARGUMENTS",
  passThrough: true,
  async run(values, args) {
    const open = await openStack(values, silent);
    try {
      return await new Promise<number>((resolve, reject) => {
        const child = spawn(open.pulumi, args, {
          cwd: open.workDir,
          stdio: "inherit",
          env: { ...process.env, ...open.env },
        });
        child.on("error", reject);
        child.on("exit", (code) => resolve(code ?? 1));
      });
    } finally {
      await open.close();
    }
  },
});
