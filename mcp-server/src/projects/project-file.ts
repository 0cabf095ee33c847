/** `project.json`: what a project is. An ordinary file in it, which people may edit too. */
import { z } from "zod";
import { ToolError } from "../tools/tool-error.ts";
import type { Change } from "../workspace/change.ts";
import { joinPath } from "../workspace/paths.ts";
import type { Workspace } from "../workspace/workspace.ts";

export const PROJECT_FILE = "project.json";
/** Bytes; a larger one is none of ours. */
const LARGEST = 256 * 1024;

/** Fields that others have put there are kept. */
export const projectSchema = z.looseObject({
  name: z.string(),
  description: z.string().default(""),
  /** ISO 8601. */
  created: z.string().optional(),
  ai_managed: z.boolean().default(false),
  updated: z.string().optional(),
  tags: z.array(z.string()).optional(),
  /** Language of a file, by its path in the project, as its writer said. */
  languages: z.record(z.string(), z.string()).optional(),
});

export type Project = z.infer<typeof projectSchema>;

/** Undefined when the project has none, or one that is not of this shape. */
export function readProject(workspace: Workspace, project: string): Project | undefined {
  try {
    return parseProject(workspace.read(joinPath(project, PROJECT_FILE), LARGEST).bytes);
  } catch {
    return undefined;
  }
}

/** Puts a project file, changed by `update`, into a change. Throws ToolError when the one that is there cannot be read. */
export function changeProject(
  change: Change,
  project: string,
  update: (present: Project) => Project,
): Project {
  const path = joinPath(project, PROJECT_FILE);
  const there = change.read(path, LARGEST);
  const present = there ? parseProject(there.bytes) : newProject(project);
  if (!present) {
    throw new ToolError(
      `"${path}" is not what a project file looks like: {"name", "description", "created", "ai_managed"}. Correct it with edit_code.`,
    );
  }
  const next = update(present);
  change.write(path, Buffer.from(`${JSON.stringify(next, undefined, 2)}\n`));
  return next;
}

export function recordLanguage(
  change: Change,
  project: string,
  path: string,
  language: string,
): void {
  if (project === ".") return;
  changeProject(change, project, (present) =>
    present.languages?.[path] === language
      ? present
      : { ...present, languages: { ...present.languages, [path]: language } },
  );
}

function newProject(name: string): Project {
  return { name, description: "", created: new Date().toISOString(), ai_managed: true };
}

function parseProject(bytes: Buffer): Project | undefined {
  try {
    return projectSchema.safeParse(JSON.parse(bytes.toString())).data;
  } catch {
    return undefined;
  }
}
