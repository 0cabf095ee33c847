/** A tool call that cannot be done: says what, where and how to go on. The model reads the message. */
export class ToolError extends Error {
  override name = "ToolError";
}

const reasons: Record<string, string> = {
  ENOENT: "does not exist. list_files, tree and find_files show what does.",
  ENOTDIR: "leads through a file as if it were a folder.",
  EISDIR: "is a folder, not a file. list_files shows what is in it.",
  EEXIST: "exists already.",
  ENOTEMPTY: "is a folder that is not empty.",
  EACCES: "may not be accessed: the file's permissions refuse the server's user.",
  EPERM: "may not be changed: the file's owner or flags refuse the server's user.",
  EROFS: "is on a file system mounted read-only.",
  ENOSPC: "does not fit: the disk is full. Delete files that are no longer needed, then try again.",
  EIO: "could not be read or written: the disk does not answer, or is damaged. Nothing here helps; whoever runs the server has to look at it.",
  EDQUOT: "does not fit: the disk quota is used up.",
  ENAMETOOLONG: "has a name that is too long (255 bytes for each part of a path).",
  ELOOP: "is a chain of symbolic links that does not end.",
  EXDEV: "is on another file system, so it cannot be moved there; write a copy and delete it.",
  EBUSY: "is in use by the system.",
};

/**
 * The error to show for anything thrown while working on `path`: a ToolError as it is, a system error in
 * words, nothing else (undefined: a defect of the server).
 */
export function explain(error: unknown, path: string): ToolError | undefined {
  if (error instanceof ToolError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  const reason = code === undefined ? undefined : reasons[code];
  return reason === undefined ? undefined : new ToolError(`"${path}" ${reason}`);
}

/** Whether a system call failed with one of these codes. */
export function failedWith(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | null)?.code ?? "");
}
