import { UserError } from "../../hub/user-error.ts";
import { ask } from "./ask.ts";
import { passThrough, withHost } from "./host.ts";
import { recoveryCommand, requireRecovery } from "./recovery-command.ts";
import { REHEARSAL } from "./stack.ts";
import { defineVerb, type Values } from "./verb.ts";

const USAGE = "hub|chats|project NAME|file PATH|look [PATH...]";

/** Passed on as they are. */
const told = ["point", "as", "to"] as const;
const switches = ["dry-run", "fresh", "without-safety-copy", "json"] as const;

export const verb = defineVerb({
  name: "restore",
  summary:
    "Brings back from a recovery point: hub, chats, project NAME, file PATH; or look [PATH...], which overwrites nothing\n" +
    "What is there before is kept as a recovery point of its own, and named at the end.",
  arguments: USAGE,
  options: {
    point: {
      type: "string",
      help: "POINT  latest (default), an id or name of npm run hub -- points, or an ISO time: the newest of then or before",
    },
    as: { type: "string", help: "NEWNAME  with project: beside the one that is there" },
    to: { type: "string", help: "FOLDER  with look: folder of the host; default one that is told" },
    "dry-run": { type: "boolean", help: "show what would change, and change nothing" },
    fresh: { type: "boolean", help: "with hub: the host has no data of its own yet" },
    "without-safety-copy": {
      type: "boolean",
      help: "go on though no recovery point of the present can be taken",
    },
    yes: { type: "boolean", help: "do not ask" },
    json: { type: "boolean", help: "print JSON and nothing else" },
  },
  async run(values, words) {
    requireWords(words, values);
    const overwrites = words[0] !== "look" && !values["dry-run"];
    if (overwrites && !values.yes) await confirm(words, values);
    return withHost(values, async (host) => {
      await requireRecovery(host);
      return passThrough(host, recoveryCommand(restoreWords(words, values)));
    });
  },
});

/** The host program's own words for it. */
export function restoreWords(words: readonly string[], values: Values): string[] {
  return [
    "restore",
    ...told.flatMap((name) =>
      typeof values[name] === "string" ? [`--${name}=${values[name]}`] : [],
    ),
    ...switches.filter((name) => values[name] === true).map((name) => `--${name}`),
    // A name may begin with a dash.
    "--",
    ...words,
  ];
}

/**
 * Nobody is asked for a yes to what the host would refuse or do otherwise.
 * @throws UserError that shows the usage
 */
export function requireWords([what, ...names]: readonly string[], values: Values): void {
  const usage = `  npm run hub -- restore ${USAGE}; --help shows more`;
  if (what === undefined) throw new UserError(`Restore what?\n${usage}`);
  if (!["hub", "chats", "project", "file", "look"].includes(what)) {
    throw new UserError(`"${what}" is nothing that can be restored.\n${usage}`);
  }
  const wanted = what === "project" || what === "file" ? 1 : 0;
  if (!names[0] && wanted === 1) throw new UserError(`Which ${what}?\n${usage}`);
  if (names.length > wanted && what !== "look") {
    throw new UserError(
      `One thing at a time; ${names.slice(wanted).join(" ")} is too much.\n${usage}`,
    );
  }
  if (values.fresh === true && what !== "hub") {
    throw new UserError(
      `--fresh is for the whole hub on a host without data of its own, not for ${what}.\n` +
        "  fix: leave --fresh out, then a recovery point of the present is taken first; or npm run hub -- restore hub --fresh --point POINT",
    );
  }
}

/** What a yes would do, in words. */
export function consequence([what = "", name = ""]: readonly string[], values: Values): string {
  const point = String(values.point ?? "latest");
  const whole: Record<string, string> = {
    hub: `all chats, files, projects and settings of the hub are replaced by those of the point ${point}; the hub stops meanwhile`,
    chats: `all chats, accounts and settings of the chat are replaced by those of the point ${point}; the chat stops meanwhile`,
    project: `the project ${values.as ?? name} in the workspace is replaced by ${name} of the point ${point}`,
    file: `${name} in the workspace is replaced by that of the point ${point}`,
  };
  return `${whole[what] ?? `${what} is restored from the point ${point}`}; ${
    values["without-safety-copy"] || values.fresh
      ? "WITHOUT a recovery point of the present"
      : "a recovery point of the present is taken first"
  }`;
}

async function confirm(words: readonly string[], values: Values): Promise<void> {
  const stack = String(values.stack ?? REHEARSAL);
  const what = consequence(words, values);
  if (!process.stdin.isTTY) {
    throw new UserError(
      `restore asks first, and nobody can answer here: in stack ${stack}, ${what}.\n  fix: add --yes to do it, or --dry-run to see what would change`,
    );
  }
  if ((await ask(`In stack ${stack}, ${what}.\nType the stack's name: `)) !== stack)
    throw new UserError("Not restored: the name was not given");
}
