import { UserError } from "../../hub/user-error.ts";
import { silent } from "../progress.ts";
import { openStack } from "./stack.ts";
import { defineVerb } from "./verb.ts";

export const verb = defineVerb({
  name: "outputs",
  summary: "Prints the hub's addresses and sign-in, or the outputs named; secrets only when asked",
  arguments: "[NAME ...]",
  options: {
    json: { type: "boolean", help: "print JSON and nothing else" },
    "show-secrets": { type: "boolean", help: "print the secret ones as well" },
  },
  async run(values, names) {
    const open = await openStack(values, silent, "engine");
    try {
      const outputs = await open.stack.outputs();
      if (Object.keys(outputs).length === 0) {
        throw new UserError(
          `Stack ${open.stack.name} has no outputs yet; npm start makes the hub first`,
        );
      }
      const unknown = names.find((name) => !(name in outputs));
      if (unknown !== undefined) {
        throw new UserError(
          `There is no output "${unknown}"; known: ${Object.keys(outputs).join(", ")}`,
        );
      }
      const shown = Object.fromEntries(
        Object.entries(outputs)
          .filter(([name]) => names.length === 0 || names.includes(name))
          .map(([name, { value, secret }]) => {
            // Whoever asks for the sign-in does not ask for the keys of all backups.
            const asked =
              values["show-secrets"] === true && (name !== "escrow" || names.includes(name));
            return [name, secret && !asked ? "[secret]" : value];
          }),
      );
      if (values.json) {
        process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
      } else {
        for (const [name, value] of Object.entries(shown)) {
          process.stdout.write(
            `${name}: ${typeof value === "string" ? value : JSON.stringify(value, null, 2)}\n`,
          );
        }
      }
      return 0;
    } finally {
      await open.close();
    }
  },
});
