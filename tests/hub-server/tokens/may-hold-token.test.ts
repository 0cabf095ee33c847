import { describe, expect, it } from "vitest";
import { type Access, defaultAccess, type Role } from "../../../hub/access.ts";
import { type HeldToken, mayHoldToken } from "../../../hub-server/tokens/may-hold-token.ts";
import type { Scope } from "../../../mcp-server/src/access/caller.ts";

const own = (...scopes: Scope[]): HeldToken => ({ scopes, projects: "all" });
const files = (...scopes: Scope[]): HeldToken => ({ ...own(...scopes), only: "files" });
const program = (...scopes: Scope[]): HeldToken => ({ ...own(...scopes), client: "An editor" });
const project = (...scopes: Scope[]): HeldToken => ({ scopes, projects: ["blog"] });
const toolsToo: Access = { ...defaultAccess, tools: "members" };
const adminsOnly: Access = { ...defaultAccess, files: "admins" };

describe("a token", () => {
  it.each<[Role | undefined, HeldToken, Access, boolean]>([
    ["admin", own("read", "write", "delete"), adminsOnly, true],
    ["admin", program("read", "write"), defaultAccess, true],
    ["admin", project("read"), defaultAccess, true],
    ["admin", own("read", "self-modify"), toolsToo, false],
    ["member", files("read", "write", "delete"), defaultAccess, true],
    ["member", own("read"), defaultAccess, false],
    ["member", files("read"), adminsOnly, false],
    ["member", own("read"), { ...adminsOnly, tools: "members" }, true],
    ["member", program("read"), defaultAccess, false],
    ["member", program("read"), toolsToo, true],
    ["member", project("read"), defaultAccess, false],
    ["member", project("read"), toolsToo, true],
    ["member", own("self-modify"), toolsToo, false],
    ["reader", files("read"), defaultAccess, true],
    ["reader", files("read"), toolsToo, true],
    ["reader", own("read"), toolsToo, false],
    ["reader", files("read", "write"), defaultAccess, false],
    ["reader", files("delete"), defaultAccess, false],
    ["reader", program("read"), toolsToo, false],
    [undefined, own("read"), toolsToo, false],
  ])("of a %s: %o under %o: %s", (role, token, access, may) => {
    expect(mayHoldToken(access, role, token)).toBe(may);
  });
});
