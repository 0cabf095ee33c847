/** Files as resources are named workspace://{project}/{+path}; each part of the path is percent-encoded. */
import { resolvePath } from "../workspace/paths.ts";

export const RESOURCE_TEMPLATE = "workspace://{project}/{+path}";

const SPELLING = /^workspace:\/\/([^/?#]+)\/([^?#]+)$/;

export interface Place {
  project: string;
  /** Workspace-relative, the project's name first. */
  path: string;
}

/** The URI of a workspace-relative path below a project. */
export function resourceUri(path: string): string {
  return `workspace://${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** What a URI names; undefined when it names nothing that can be here. */
export function placeOf(uri: string): Place | undefined {
  const [, host, rest] = SPELLING.exec(uri) ?? [];
  if (host === undefined || rest === undefined) return undefined;
  try {
    const project = decodeURIComponent(host);
    // The workspace itself is no project of a URI.
    if (project === ".") return undefined;
    const path = resolvePath(project, decodeURIComponent(rest));
    return path === project ? undefined : { project, path };
  } catch {
    return undefined;
  }
}
