/** Tokens that people make for their own programs. */
import { z } from "zod";
import { type Scope, scopes } from "../../mcp-server/src/access/caller.ts";
import {
  createToken,
  readTokens,
  revokeToken,
  type StoredToken,
} from "../../mcp-server/src/access/tokens.ts";
import type { Visitor } from "../gate/visitor.ts";
import { Refusal } from "./refusal.ts";
import type { Rights } from "./rights.ts";

/** Never its secret, nor a digest of it. */
export interface ShownToken {
  name: string;
  scopes: readonly Scope[];
  projects: readonly string[] | "all";
  /** ISO times; null: it stays until it is revoked. */
  created: string;
  expires: string | null;
  expired: boolean;
  /** E-mail address; null: made on the command line. */
  owner: string | null;
  /** Whether it is the visitor's own. */
  own: boolean;
  /** Program that was let in; null: made by hand. */
  client: string | null;
}

export const defaultDays = 90;
export const mostDays = 366;
/** Live tokens of one person. */
const MOST = 50;
const DAY = 86_400_000;

const wanted = z.strictObject({
  name: z.string(),
  scopes: z.array(z.enum(scopes)).min(1),
  /** Days. */
  expires: z.int().min(1).max(mostDays).default(defaultDays),
});

export class OwnTokens {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** The newest first. */
  list(visitor: Visitor, rights: Rights): ShownToken[] {
    return readTokens(this.#file)
      .filter((token) => rights.others || isOwn(token, visitor))
      .map((token) => shown(token, visitor))
      .reverse();
  }

  /** @throws Refusal when it cannot be made as wanted */
  make(visitor: Visitor, rights: Rights, body: unknown): ShownToken & { secret: string } {
    const { data, error } = wanted.safeParse(body);
    if (!data) {
      const [issue] = error.issues;
      throw new Refusal(
        400,
        `A token takes {name, scopes, expires: 1 to ${mostDays} days}; ${issue?.path.join(".") || "the body"}: ${issue?.message}.`,
      );
    }
    const beyond = data.scopes.find((scope) => !rights.tokenScopes.includes(scope));
    if (beyond !== undefined)
      throw new Refusal(403, `Your account may make no token that allows "${beyond}".`);
    const before = readTokens(this.#file);
    if (before.some(({ name }) => name === data.name))
      throw new Refusal(409, `There is a token "${data.name}" already. Choose another name.`);
    if (before.filter((token) => isOwn(token, visitor)).length >= MOST)
      throw new Refusal(409, `You have ${MOST} tokens. Revoke one that you no longer need.`);
    let secret: string;
    try {
      secret = createToken(this.#file, {
        name: data.name,
        scopes: scopes.filter((scope) => data.scopes.includes(scope)),
        projects: "all",
        lifetime: data.expires * DAY,
        owner: { id: visitor.id, email: visitor.email },
        ...(rights.tokensOnly && { only: rights.tokensOnly }),
      });
    } catch (error) {
      throw new Refusal(400, (error as Error).message);
    }
    const made = readTokens(this.#file).find(({ name }) => name === data.name);
    if (!made) throw new Refusal(409, "It was revoked as soon as it was made.");
    return { ...shown(made, visitor), secret };
  }

  /** @throws Refusal when there is none of that name that the visitor may revoke */
  revoke(visitor: Visitor, rights: Rights, name: string): void {
    const token = readTokens(this.#file).find((token) => token.name === name);
    // Whether somebody else has one of that name is nobody's business.
    if (!token || !(rights.others || isOwn(token, visitor)))
      throw new Refusal(404, "You have no token of that name.");
    revokeToken(this.#file, name);
  }
}

function isOwn({ owner }: StoredToken, { id }: Visitor): boolean {
  return owner?.id === id;
}

function shown(token: StoredToken, visitor: Visitor): ShownToken {
  const { name, scopes, projects, created, expires, owner, client } = token;
  return {
    name,
    scopes,
    projects,
    created,
    expires: expires ?? null,
    expired: expires !== undefined && Date.parse(expires) <= Date.now(),
    owner: owner?.email ?? null,
    own: isOwn(token, visitor),
    client: client ?? null,
  };
}
