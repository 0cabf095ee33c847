/** Who may use what: the roles of a hub and the doors they open. Decided here, held by the gate. */

/** From the least to the most. A reader is a member of the chat who may only look at files. */
export const roles = ["reader", "member", "admin"] as const;
export type Role = (typeof roles)[number];

/** Whom a door is opened for. Administrators pass every door. */
export const audiences = ["members", "admins"] as const;
export type Audience = (typeof audiences)[number];

/** The doors: side apps by their path, and `tools`, which is the MCP server for programs that a person lets in. */
export const doors = ["files", "code", "home", "tools"] as const;
export type Door = (typeof doors)[number];

export type Access = Readonly<Record<Door, Audience>>;

export const defaultAccess: Access = {
  files: "members",
  code: "admins",
  home: "members",
  tools: "admins",
};

/** What a reader may do with files: HTTP's and WebDAV's methods that change nothing. */
const looking = new Set(["GET", "HEAD", "OPTIONS", "PROPFIND"]);

/** Whether a role passes a door with this method. Everything that is not named is refused. */
export function mayPass(access: Access, door: Door, role: Role, method: string): boolean {
  if (role === "admin") return true;
  if (access[door] !== "members") return false;
  if (role === "member") return true;
  // Readers look at files and the home page; a terminal or a tool would be more than looking.
  return door === "home" || (door === "files" && looking.has(method));
}
