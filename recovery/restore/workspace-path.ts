/** A path that a person names within the workspace. */
import { posix } from "node:path";
import { UserError } from "../../hub/user-error.ts";

/** What the MCP server keeps goes with the whole hub only: its journal and its files belong together. */
const STATE = ".aihub";

/** `notes/a.txt`, without anything that leads elsewhere. @throws UserError */
export function workspacePath(text: string): string {
  const path = posix.normalize(text.replace(/^\/(data\/)?workspace\//, "")).replace(/\/+$/, "");
  const parts = path.split("/");
  if (
    path === "" ||
    path === "." ||
    path.includes("\0") ||
    path.startsWith("/") ||
    parts.includes("..")
  ) {
    throw new UserError(
      `"${text}" is no path within the workspace.\n  fix: name it as the file manager shows it, such as notes/plan.md`,
    );
  }
  if (parts[0] === STATE) {
    throw new UserError(
      `${STATE} holds the history of all files and goes with the whole hub only.\n  fix: restore hub, or restore look to read it`,
    );
  }
  return path;
}

/** @throws UserError */
export function projectName(text: string): string {
  const path = workspacePath(text);
  if (path.includes("/")) {
    throw new UserError(
      `"${text}" is no project: projects are the folders right in the workspace.\n  fix: restore file ${text} takes any file or folder`,
    );
  }
  return path;
}
