import { z } from "zod";

/** How every tool takes a path. */
export const pathArgument = z
  .string()
  .max(4096)
  .describe(
    'Path relative to the workspace, such as "notes/todo.md"; "." is the workspace itself.',
  );
