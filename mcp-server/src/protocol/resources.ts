/** The files of the projects as resources. */
import {
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  ResourceNotFoundError,
} from "@modelcontextprotocol/server";
import type { Caller } from "../access/caller.ts";
import { limits } from "../limits.ts";
import type { Found } from "../search/find.ts";
import { decodeText, looksBinary } from "../text.ts";
import { explain, failedWith } from "../tools/tool-error.ts";
import { joinPath, splitPath } from "../workspace/paths.ts";
import type { Deps } from "./deps.ts";
import { binaryTypeOf, mediaTypeOf, textTypeOf } from "./media-type.ts";
import { mayRead, reachableProjects } from "./reachable-projects.ts";
import { recorded } from "./recorded.ts";
import { placeOf, RESOURCE_TEMPLATE, resourceUri } from "./resource-uri.ts";

export const resourceTemplates: ListResourceTemplatesResult["resourceTemplates"] = [
  {
    name: "file",
    title: "File of a project",
    description: "One file: its text, or its bytes when it is no text.",
    uriTemplate: RESOURCE_TEMPLATE,
  },
];

/** Resources in one answer. */
const PAGE = 200;

/** The files of all projects that the caller reaches, a page at a time; without what .gitignore leaves out. */
export function listResources(
  deps: Deps,
  caller: Caller,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<ListResourcesResult> {
  const list = () => pageFrom(deps, caller, cursor, signal);
  return recorded(deps, caller, "resources/list", {}, list, signal);
}

async function pageFrom(
  { workspace, walks }: Deps,
  caller: Caller,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<ListResourcesResult> {
  const projects = reachableProjects(workspace, caller);
  let position: Position | undefined = cursor === undefined ? { project: "" } : parse(cursor);
  const resources: ListResourcesResult["resources"] = [];
  while (position !== undefined && resources.length < PAGE) {
    const { project: from, cursor: within }: Position = position;
    const project: string | undefined = projects.find((name) => name >= from);
    if (project === undefined) return { resources };
    const page: Found = await walks.find(
      {
        project,
        limit: PAGE - resources.length,
        ...(project === from && within !== undefined && { cursor: within }),
      },
      signal,
    );
    for (const path of page.paths) resources.push(listed(joinPath(project, path)));
    position =
      page.next_cursor === undefined
        ? after(projects, project)
        : { project, cursor: page.next_cursor };
  }
  return position === undefined ? { resources } : { resources, nextCursor: spell(position) };
}

/** Content of the file that a URI names. Throws ProtocolError -32602 when there is none that the caller may read. */
export function readResource({ workspace }: Deps, caller: Caller, uri: string): ReadResourceResult {
  const place = placeOf(uri);
  if (place === undefined) {
    throw new ResourceNotFoundError(
      uri,
      `"${uri.slice(0, 200)}" is no resource of this server; they are spelled ${RESOURCE_TEMPLATE}.`,
    );
  }
  const { project, path } = place;
  if (!mayRead(caller, project)) {
    throw refused(uri, `Token "${caller.token}" may not read in project "${project}".`);
  }
  try {
    workspace.requireProject(project, caller);
    const { bytes } = workspace.read(path, limits.resource);
    return { contents: [{ uri, ...content(bytes, path) }] };
  } catch (error) {
    if (failedWith(error, "ENOENT", "ENOTDIR", "EISDIR")) {
      throw new ResourceNotFoundError(uri, `There is no file "${path}".`);
    }
    const explained = explain(error, path);
    throw explained ? refused(uri, explained.message) : error;
  }
}

function content(
  bytes: Buffer,
  path: string,
): { mimeType: string; text: string } | { mimeType: string; blob: string } {
  const { name } = splitPath(path);
  if (!looksBinary(bytes)) {
    try {
      return { mimeType: textTypeOf(name), text: decodeText(bytes, path) };
    } catch {
      // Text in another encoding: given as the bytes it is.
    }
  }
  return { mimeType: binaryTypeOf(name), blob: bytes.toString("base64") };
}

function listed(path: string): ListResourcesResult["resources"][number] {
  const mimeType = mediaTypeOf(path);
  return { uri: resourceUri(path), name: path, ...(mimeType && { mimeType }) };
}

interface Position {
  /** The first project to go on with. */
  project: string;
  /** Where to go on in it. */
  cursor?: string;
}

function after(projects: string[], project: string): Position | undefined {
  const next = projects[projects.indexOf(project) + 1];
  return next === undefined ? undefined : { project: next };
}

function spell({ project, cursor }: Position): string {
  return Buffer.from(JSON.stringify([project, cursor ?? null])).toString("base64url");
}

/** Throws ProtocolError -32602. */
function parse(cursor: string): Position {
  try {
    const [project, within] = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (typeof project === "string" && (within === null || typeof within === "string"))
      return within === null ? { project } : { project, cursor: within };
  } catch {
    // Said below.
  }
  throw new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    "The cursor is none of this server. Leave it out to begin anew.",
  );
}

function refused(uri: string, message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message, { uri });
}
