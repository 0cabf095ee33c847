/** One verb of the hub's command line: its options, its help, its work. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { UserError } from "../../hub/user-error.ts";

export interface Option {
  type: "boolean" | "string";
  /** A string option that may be given several times; its value is a list. */
  multiple?: boolean;
  /** For the help; a string option names its value in capitals first, like "NAME  what it is". */
  help: string;
}

export type Values = Record<string, string | boolean | string[] | undefined>;

export interface VerbSpec {
  name: string;
  summary: string;
  /** Names of arguments, for the help, like "[-- COMMAND]". */
  arguments?: string;
  options?: Record<string, Option>;
  /** Leaves everything after the verb to `run`, unread. */
  passThrough?: boolean;
  /** @returns the exit code */
  run(values: Values, positionals: string[]): Promise<number>;
}

export interface Verb {
  spec: VerbSpec;
  main(args: string[]): Promise<number>;
}

/** Options that every verb takes. */
const common: Record<string, Option> = {
  stack: {
    type: "string",
    help: "NAME  rehearsal (default): a simulated DigitalOcean on this machine; another name: the cloud",
  },
  help: { type: "boolean", help: "show this" },
};

export function defineVerb(spec: VerbSpec): Verb {
  const options = { ...spec.options, ...common };
  return {
    spec,
    async main(args) {
      if (spec.passThrough) {
        const { own, rest } = splitOwn(args);
        if (own.help) {
          process.stdout.write(help(spec, options));
          return 0;
        }
        return spec.run(own, rest);
      }
      let parsed: { values: Values; positionals: string[] };
      try {
        parsed = parseArgs({
          args,
          options: Object.fromEntries(
            Object.entries(options).map(([name, { type, multiple = false }]) => [
              name,
              { type, multiple },
            ]),
          ) as NonNullable<ParseArgsConfig["options"]>,
          allowPositionals: spec.arguments !== undefined,
        }) as typeof parsed;
      } catch (error) {
        throw new UserError(
          `${error instanceof Error ? error.message.split(". To specify")[0] : error}\n  npm run hub -- ${spec.name} --help shows what it takes`,
        );
      }
      if (parsed.values.help) {
        process.stdout.write(help(spec, options));
        return 0;
      }
      return spec.run(parsed.values, parsed.positionals);
    },
  };
}

/** Takes --stack and --help from the front; the rest belongs to somebody else. */
function splitOwn(args: string[]): { own: Values; rest: string[] } {
  const own: Values = {};
  const rest = [...args];
  for (;;) {
    if (rest[0] === "--stack") {
      own.stack = rest[1];
      rest.splice(0, 2);
    } else if (rest[0]?.startsWith("--stack=")) {
      own.stack = rest.shift()?.slice("--stack=".length);
    } else if (rest[0] === "--help" || rest[0] === "-h") {
      own.help = true;
      rest.shift();
    } else {
      if (rest[0] === "--") rest.shift();
      return { own, rest };
    }
  }
}

function help(spec: VerbSpec, options: Record<string, Option>): string {
  const rows = Object.entries(options).map(([name, option]) => {
    if (option.type === "boolean") return [`--${name}`, option.help] as const;
    const [value = "", ...rest] = option.help.split("  ");
    return [`--${name} ${value}`, rest.join("  ")] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    `npm run hub -- ${spec.name} [options]${spec.arguments ? ` ${spec.arguments}` : ""}`,
    "",
    spec.summary,
    "",
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`),
    "",
  ].join("\n");
}

export function overview(verbs: Verb[]): string {
  const width = Math.max(...verbs.map(({ spec }) => spec.name.length)) + 2;
  return [
    "npm run hub -- <verb> [options]",
    "",
    ...verbs.map(({ spec }) => `  ${spec.name.padEnd(width)}${spec.summary.split("\n")[0]}`),
    "",
    "npm run hub -- <verb> --help shows a verb's options. npm start is npm run hub -- up.",
    "",
  ].join("\n");
}
