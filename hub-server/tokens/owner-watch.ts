/** Takes tokens away from those who may hold them no longer. Nothing but a sure answer of the chat takes one away. */
import { readFile } from "node:fs/promises";
import type { Access } from "../../hub/access.ts";
import { readTokens, revokeToken, type StoredToken } from "../../mcp-server/src/access/tokens.ts";
import { type Person, personOf } from "../gate/person.ts";
import { mayHoldToken } from "./may-hold-token.ts";

export interface OwnerWatchSettings {
  chatUrl: string;
  /** May not be there yet. */
  chatKeyFile: string;
  tokensFile: string;
  access: Access;
  readers: ReadonlySet<string>;
  /** Milliseconds between two rounds. Default 10,000. */
  every?: number;
  /** Takes the lines for whoever runs the server. */
  say?: (line: string) => void;
}

/** Bytes of an answer. */
const LARGEST = 16 * 1024 * 1024;
/** Milliseconds. */
const PATIENCE = 8_000;

export class OwnerWatch {
  readonly #settings: OwnerWatchSettings;
  readonly #say: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #trouble: string | undefined;

  constructor(settings: OwnerWatchSettings) {
    this.#settings = settings;
    this.#say = settings.say ?? ((line) => process.stderr.write(`${line}\n`));
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(async () => {
      await this.round();
      this.start();
    }, this.#settings.every ?? 10_000).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** One look. Never throws: what goes wrong is said when it begins and when it ends. */
  async round(): Promise<void> {
    try {
      // The tokens first: whoever made one has been in the chat's list by then.
      const owned = readTokens(this.#settings.tokensFile).filter(({ owner }) => owner);
      if (owned.length > 0) this.#revoke(owned, await this.#people());
      if (this.#trouble !== undefined) this.#say("The owners of tokens are looked after again.");
      this.#trouble = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (this.#trouble !== message)
        this.#say(`The owners of tokens cannot be looked after: ${message}`);
      this.#trouble = message;
    }
  }

  #revoke(owned: readonly StoredToken[], people: ReadonlyMap<string, Person>): void {
    for (const token of owned) {
      const why = whyRevoked(token, people, this.#settings.access);
      if (why === undefined) continue;
      revokeToken(this.#settings.tokensFile, token.name);
      this.#say(`Token "${token.name}" of ${token.owner?.email} is revoked: ${why}.`);
    }
  }

  /** Everybody of the chat by id. @throws Error when the answer is not sure */
  async #people(): Promise<Map<string, Person>> {
    const { chatUrl, chatKeyFile, readers } = this.#settings;
    const key = await readFile(chatKeyFile, "utf8").then(
      (text) => text.trim(),
      () => "",
    );
    if (key === "") throw new Error("the set-up has left no key of the chat's API yet");
    const answer = await fetch(new URL("/api/v1/users/all", chatUrl), {
      headers: { Authorization: `Bearer ${key}`, Accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    }).catch(() => {
      throw new Error("the chat does not answer");
    });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new Error(`the chat answers ${answer.status}`);
    }
    const people = peopleOf(await jsonOf(answer), readers);
    if (people === undefined) throw new Error("the chat's list of users is none");
    return people;
  }
}

/** Undefined when it is no list that can be believed: a hub has at least one administrator. */
export function peopleOf(
  json: unknown,
  readers: ReadonlySet<string>,
): Map<string, Person> | undefined {
  const { users, total } = (json ?? {}) as { users?: unknown; total?: unknown };
  if (!Array.isArray(users)) return undefined;
  // Part of a list would say of the others that they are gone.
  if (total !== undefined && total !== users.length) return undefined;
  const people = new Map<string, Person>();
  for (const user of users) {
    const person = personOf(user, readers);
    if (person === undefined) return undefined;
    people.set(person.id, person);
  }
  return [...people.values()].some(({ role }) => role === "admin") ? people : undefined;
}

/** Why a token may be held no longer; undefined: it may. */
export function whyRevoked(
  token: Pick<StoredToken, "owner" | "scopes" | "projects" | "client" | "only">,
  people: ReadonlyMap<string, Person>,
  access: Access,
): string | undefined {
  if (token.owner === undefined) return undefined;
  const person = people.get(token.owner.id);
  if (person === undefined) return "the account is gone";
  if (person.role === undefined) return "the account waits for an administrator";
  return mayHoldToken(access, person.role, token) ? undefined : `a ${person.role} may not hold it`;
}

async function jsonOf(answer: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.length;
    if (size > LARGEST) throw new Error("the chat's list of users does not end");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}
