/**
 * An error meant for the person at the keyboard: says what is wrong, where, and how to fix it.
 * Shown without a stack trace by every driver (CLI, Pulumi program, MCP server).
 */
export class UserError extends Error {
  override name = "UserError";
}
