/**
 * Paths as callers spell them, made into workspace-relative ones: "blog/src/a.ts", "." for the workspace. Pure text: what
 * is really there is the business of confinement.ts.
 */
import { ToolError } from "../tools/tool-error.ts";

/** Folder in the workspace that holds what the server keeps: history, trash, unfinished writes. */
export const STATE = ".aihub";

/** Bytes of one part of a path; what Linux file systems take. */
const LONGEST_NAME = 255;
/** Bytes of a whole path; leaves room for the workspace's own. */
const LONGEST_PATH = 3000;

/**
 * The workspace-relative path of `path` in `project`; "." as project is the workspace itself. Throws ToolError when the path
 * cannot be one: absolute, "..", control characters, no UTF-8, over-long, or in the server's own folder.
 */
export function resolvePath(project: string, path: string): string {
  if (project === "" || project === ".." || project.includes("/")) {
    throw new ToolError(
      `"${printable(project)}" is no project name: a project is a folder directly in the workspace. list_projects shows them.`,
    );
  }
  checkText(project);
  checkText(path);
  if (path.startsWith("/") && path !== "/") {
    throw new ToolError(
      `"${path}" is an absolute path. Paths are relative to the project: leave the leading "/" out.`,
    );
  }
  const parts = project === "." ? [] : [project];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      throw new ToolError(
        `"${path}" goes up by "..". Paths are relative to the project and stay inside it.`,
      );
    }
    parts.push(part);
  }
  const long = parts.find((part) => Buffer.byteLength(part) > LONGEST_NAME);
  if (long !== undefined) {
    throw new ToolError(
      `"${long.slice(0, 40)}..." is too long for a name: ${Buffer.byteLength(long)} bytes of at most ${LONGEST_NAME}.`,
    );
  }
  if (parts[0] === STATE) {
    throw new ToolError(
      `"${STATE}" is where the server keeps history and trash. Use history, diff and restore_version.`,
    );
  }
  const resolved = parts.length === 0 ? "." : parts.join("/");
  if (Buffer.byteLength(resolved) > LONGEST_PATH) {
    throw new ToolError(
      `The path is too long: ${Buffer.byteLength(resolved)} bytes of at most ${LONGEST_PATH}.`,
    );
  }
  return resolved;
}

/** Refuses what belongs to git: a hook written below `.git` would run as the person who uses git. Throws ToolError. */
export function checkChangeable(path: string): void {
  if (path === ".")
    throw new ToolError("The project's folder itself cannot be changed, only what is in it.");
  if (path.split("/").includes(".git")) {
    throw new ToolError(
      `"${path}" is inside a .git folder, which belongs to git: nothing is changed there.`,
    );
  }
}

/**
 * Refuses names that nothing new should get: not in Unicode's composed form (two files would look the same), with a backslash
 * (meant as a separator). Throws ToolError.
 */
export function checkNewName(name: string): void {
  if (name.includes("\\")) {
    throw new ToolError(`"${name}" holds a backslash. Separate folders by "/".`);
  }
  if (name !== name.normalize("NFC")) {
    throw new ToolError(
      `"${name}" is not in Unicode's composed form (NFC). Use "${name.normalize("NFC")}".`,
    );
  }
}

export function joinPath(directory: string, name: string): string {
  return directory === "." ? name : `${directory}/${name}`;
}

/** The directory that holds a path and the path's name in it. */
export function splitPath(path: string): { directory: string; name: string } {
  const at = path.lastIndexOf("/");
  return at < 0
    ? { directory: ".", name: path }
    : { directory: path.slice(0, at), name: path.slice(at + 1) };
}

/** The first part of a path: its project. */
export function projectOf(path: string): string {
  const at = path.indexOf("/");
  return at < 0 ? path : path.slice(0, at);
}

/** A workspace-relative path as it is spelled in its project; "." is the project. */
export function pathFrom(project: string, path: string): string {
  if (path === project) return ".";
  return project === "." ? path : path.slice(project.length + 1);
}

/** Whether `path` is `directory` or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return directory === "." || path === directory || path.startsWith(`${directory}/`);
}

function checkText(text: string): void {
  if (text.includes("\0")) throw new ToolError("The path holds a NUL character.");
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) {
      throw new ToolError(
        `"${printable(text)}" holds a control character (code ${code}). Use printable names.`,
      );
    }
  }
  if (!text.isWellFormed()) {
    throw new ToolError(`"${printable(text)}" holds half a Unicode character.`);
  }
}

function printable(text: string): string {
  let shown = "";
  for (const character of text.toWellFormed().slice(0, 80)) {
    const code = character.charCodeAt(0);
    shown += code < 0x20 || code === 0x7f ? "\ufffd" : character;
  }
  return shown;
}
