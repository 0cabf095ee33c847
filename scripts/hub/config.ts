import { writeFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { lists } from "../../config/parse.ts";
import { secretsSchema, settingsSchema } from "../../config/schema.ts";
import { UserError } from "../../hub/user-error.ts";
import { silent } from "../progress.ts";
import { setSecret } from "./set-secret.ts";
import { type OpenStack, openStack, stackFile } from "./stack.ts";
import { defineVerb } from "./verb.ts";

const usage =
  "npm run hub -- config [get KEY | set KEY [VALUE] | rm KEY]; a VALUE not given is read from standard input";

export const verb = defineVerb({
  name: "config",
  summary: `Shows or changes the hub's settings; a change that is not valid is refused\n${usage}`,
  arguments: "[get KEY | set KEY [VALUE] | rm KEY]",
  options: {
    json: { type: "boolean", help: "print JSON and nothing else" },
    secret: {
      type: "boolean",
      help: "keep the value encrypted; implied for keys that are secrets",
    },
  },
  async run(values, [action = "list", given = "", ...rest]) {
    const open = await openStack(values, silent, "engine");
    try {
      const key = given.replace(/^aihub:/, "");
      if (action === "list" || action === "get") return await show(open, key, values.json === true);
      if (action !== "set" && action !== "rm")
        throw new UserError(`config takes get, set or rm, not "${action}"\n  ${usage}`);
      if (!key) throw new UserError(`Which setting?\n  ${usage}`);
      const before = await stackFile(open);
      const path = /[.[]/.test(key);
      if (action === "rm") {
        await open.stack.removeConfig(`aihub:${key}`, path);
      } else {
        const value =
          rest.length > 0 ? rest.join(" ") : (await text(process.stdin)).replace(/\n$/, "");
        const secret = values.secret === true || key in secretsSchema.shape;
        if (lists.has(key)) {
          await open.stack.removeConfig(`aihub:${key}`);
          for (const [index, item] of items(value).entries()) {
            await open.stack.setConfig(`aihub:${key}[${index}]`, { value: item }, true);
          }
        } else if (secret) {
          await setSecret(open, key, value, path);
        } else {
          await open.stack.setConfig(`aihub:${key}`, { value }, path);
        }
      }
      try {
        await open.config();
      } catch (error) {
        // Nothing half right is kept: the file is as it was.
        await writeFile(before.path, before.text);
        throw error;
      }
      return 0;
    } finally {
      await open.close();
    }
  },
});

/** A JSON list, or items with commas or spaces between them. */
function items(value: string): string[] {
  if (!value.trim().startsWith("[")) return value.split(/[\s,]+/).filter(Boolean);
  try {
    return (JSON.parse(value) as unknown[]).map(String);
  } catch {
    throw new UserError(`${value} is not a list; write it like 203.0.113.7/32,198.51.100.0/24`);
  }
}

async function show(open: OpenStack, key: string, json: boolean): Promise<number> {
  const all = await open.stack.getAllConfig();
  const { settings } = await open.config();
  const secrets = Object.keys(secretsSchema.shape).filter((name) => all[`aihub:${name}`]?.value);
  const values: Record<string, unknown> = {
    ...settings,
    ...Object.fromEntries(secrets.map((name) => [name, "[secret]"])),
  };
  if (key) {
    if (!(key in settingsSchema.shape) && !(key in secretsSchema.shape)) {
      throw new UserError(`There is no setting "${key}"; npm run hub -- config lists them`);
    }
    const value = values[key];
    process.stdout.write(
      `${json || typeof value === "object" ? JSON.stringify(value ?? null) : (value ?? "")}\n`,
    );
    return 0;
  }
  if (json) {
    process.stdout.write(`${JSON.stringify(values, null, 2)}\n`);
    return 0;
  }
  const set = (await stackFile(open)).text;
  for (const [name, value] of Object.entries(values)) {
    const origin = set.includes(`aihub:${name}:`) ? "" : "  (default)";
    process.stdout.write(
      `${name} = ${typeof value === "object" ? JSON.stringify(value) : value}${origin}\n`,
    );
  }
  return 0;
}
