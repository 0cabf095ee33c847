/** Ways of working that a person can start by name. */
import {
  type GetPromptResult,
  type ListPromptsResult,
  ProtocolError,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import type { Completing } from "./completion.ts";

interface PromptArgument {
  name: string;
  description: string;
  required?: boolean;
  completing?: Completing;
}

interface Prompt {
  name: string;
  title: string;
  description: string;
  arguments: PromptArgument[];
  text(given: Record<string, string>): string;
}

export const prompts: readonly Prompt[] = [
  {
    name: "start_project",
    title: "Start a project",
    description: "Sets up a new project: asks what is unclear, plans, writes the first version.",
    arguments: [
      { name: "project", description: "Name of the new project's folder", required: true },
      { name: "goal", description: "What it is for and what it should do", required: true },
    ],
    text: ({ project, goal }) => `Start the project "${project}". Its purpose: ${goal}

1. Look with \`list_projects\` whether it exists already; if it does, say so and stop.
2. If the purpose leaves open what decides the design, ask me, a few short questions at once. Otherwise go on.
3. Tell me the plan: the files, what each is for, how the result is run and tested.
4. Make it with \`create_project\`, then write the files with \`write_code\`: a README that says how to run it, the code, a first test. Small files, each with one purpose.
5. Read what you wrote once more with \`read_many\` and correct what is wrong by \`edit_code\`.
6. End with what is there, how to run it, and what is still missing.`,
  },
  {
    name: "review_change",
    title: "Review a change",
    description: "Reads what was changed in a project and says what is wrong with it.",
    arguments: [
      { name: "project", description: "The project", required: true, completing: "project" },
      {
        name: "change",
        description: "Id of the change, from history; without it the latest changes",
        completing: "change",
      },
    ],
    text: ({
      project,
      change,
    }) => `Review ${change ? `the change ${change}` : "the latest changes"} in the project "${project}".

1. Find with \`history\` which files ${change ? `the change ${change}` : "the changes of the last hours"} touched, who made them and why.
2. Look with \`diff\` at what is different in each, and with \`read_code\` at the code around it. Find with \`search_code\` who else uses what was changed.
3. Judge: does it do what it was meant to? What breaks: edge cases, errors, other callers, security, data of existing users? Is it tested? Is it as simple as it can be?
4. Tell me the findings, the worst first: file and line, what is wrong, how it shows, how to fix it. Leave out matters of taste. If nothing is wrong, say so in one sentence.
Change nothing unless I ask for it; then use \`edit_code\`, or \`restore_version\` to take the change back.`,
  },
  {
    name: "explain_tree",
    title: "Explain a tree",
    description: "Explains how a project or a folder of it is built, from its files.",
    arguments: [
      { name: "project", description: "The project", required: true, completing: "project" },
      {
        name: "path",
        description: "Folder in it; without it the whole project",
        completing: "directory",
      },
    ],
    text: ({
      project,
      path,
    }) => `Explain ${path ? `the folder "${path}" of the project "${project}"` : `the project "${project}"`} to somebody who works on it for the first time.

1. Look at it with \`tree\`, then read with \`read_many\` what tells most: the README, the manifest, the entry points.
2. Follow the main path from an entry point through the code with \`search_code\` and \`read_code\`, as far as needed to be sure.
3. Explain: what it is for; its parts and how they work together, as a short annotated tree; the way of one typical request or run through it; where to start for the usual changes; what is surprising or unfinished.
Say only what the files show, and name the files.`,
  },
];

/** Made once. */
export const promptList: ListPromptsResult["prompts"] = prompts.map(
  ({ name, title, description, arguments: taken }) => ({
    name,
    title,
    description,
    arguments: taken.map(({ completing: _, ...argument }) => argument),
  }),
);

/** Characters of one argument. */
const LONGEST_ARGUMENT = 4000;

/** Throws ProtocolError -32602 when there is no such prompt or its arguments are wrong. */
export function getPrompt(name: string, given: Record<string, string> = {}): GetPromptResult {
  const prompt = prompts.find((one) => one.name === name);
  if (prompt === undefined) {
    const known = prompts.map((one) => one.name).join(", ");
    throw wrong(`There is no prompt "${name}"; known: ${known}.`);
  }
  const taken = prompt.arguments.map((argument) => argument.name);
  for (const argument of Object.keys(given)) {
    if (!taken.includes(argument)) {
      throw wrong(`${name} has no argument "${argument}"; it takes: ${taken.join(", ")}.`);
    }
  }
  for (const { name: argument, required } of prompt.arguments) {
    const value = given[argument]?.trim() ?? "";
    if (required && value === "") throw wrong(`${name} needs the argument "${argument}".`);
    if (value.length > LONGEST_ARGUMENT) {
      throw wrong(
        `"${argument}" has ${value.length} characters; ${name} takes at most ${LONGEST_ARGUMENT}.`,
      );
    }
  }
  return {
    description: prompt.description,
    messages: [{ role: "user", content: { type: "text", text: prompt.text(given) } }],
  };
}

function wrong(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
