/** Fills `{{name}}` places in the files of `templates/`. */
import { readFile } from "node:fs/promises";

export const templatesFolder = new URL("../templates/", import.meta.url);

export async function readTemplate(path: string): Promise<string> {
  return readFile(new URL(path, templatesFolder), "utf8");
}

/**
 * Fills every `{{name}}` of a text.
 * @throws Error when a place has no value, or a value would add a line to a file made of lines
 */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replaceAll(/\{\{([\w.-]+)\}\}/g, (_place, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`Template: no value for {{${name}}}`);
    const filled = String(value);
    if (/[\r\n]/.test(filled))
      throw new Error(`Template: the value for {{${name}}} has more than one line`);
    return filled;
  });
}
