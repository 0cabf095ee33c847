/** The page on which a person lets a program in. Who it is, is the gate's word at each request and nobody else's. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { errors, type Provider } from "oidc-provider";
import type { Scope } from "../../mcp-server/src/access/caller.ts";
import { readBody } from "../../mcp-server/src/http/body.ts";
import { type Visitor, visitorOf } from "../gate/visitor.ts";
import { clientName, documentHost } from "./client-name.ts";
import { grantableScopes } from "./granted-tokens.ts";
import { consentPage, messagePage, onwardPage, pageHeaders } from "./pages.ts";
import { resourceOf } from "./provider.ts";
import type { OAuthStore } from "./store.ts";

export interface InteractionParts {
  provider: Provider;
  store: OAuthStore;
  publicUrl: string;
}

/** Bytes of the form. */
const LARGEST_FORM = 16 * 1024;

export class Interactions {
  readonly #parts: InteractionParts;
  readonly #key: string;

  constructor(parts: InteractionParts) {
    this.#parts = parts;
    this.#key = parts.store.key("forms", () => randomBytes(32).toString("base64url"));
  }

  /** @param uid as the path has it */
  async handle(request: IncomingMessage, response: ServerResponse, uid: string): Promise<void> {
    const { provider } = this.#parts;
    const person = visitorOf(request.headers);
    if (!person) return show(response, 403, refusal);
    if (request.method !== "GET" && request.method !== "POST") {
      response.setHeader("Allow", "GET, POST");
      return show(response, 405, messagePage("Not so", "This page is read, or its form is sent."));
    }
    let interaction: Awaited<ReturnType<Provider["interactionDetails"]>>;
    try {
      interaction = await provider.interactionDetails(request, response);
    } catch (error) {
      if (!(error instanceof errors.SessionNotFound)) throw error;
      return show(response, 400, expired);
    }
    if (interaction.uid !== uid) return show(response, 400, expired);
    const { client_id: clientId, redirect_uri: redirectUri, scope } = interaction.params;
    const client = typeof clientId === "string" ? await this.#client(clientId) : undefined;
    if (!client || typeof redirectUri !== "string") return show(response, 400, expired);
    const asked = grantableScopes.filter((each) => String(scope).split(" ").includes(each));
    const allowed = asked.filter((each) => person.role !== "reader" || each === "read");
    if (allowed.length === 0) return show(response, 403, refusal);
    const name = clientName(client.clientName, client.clientId);
    const csrf = this.#formToken(uid, person);

    if (request.method === "GET") {
      const page = {
        client: name,
        vouchedBy: documentHost(client.clientId),
        redirectUri,
        person,
        scopes: allowed,
        narrowed: allowed.length < asked.length,
        csrf,
      };
      return show(response, 200, consentPage(page));
    }

    const form = await formOf(request);
    const origin = request.headers.origin;
    if (
      form === undefined ||
      (origin !== undefined && origin !== this.#parts.publicUrl) ||
      !same(form.get("csrf") ?? "", csrf)
    )
      return show(response, 403, foreign);
    const given = allowed.filter((each) => form.getAll("scope").includes(each));
    const answer = form.get("answer");
    // Sent twice, the last word counts, and the first leaves nothing behind.
    const earlier = interaction.result?.consent?.grantId;
    if (earlier !== undefined) this.#parts.store.forgetGrant(earlier);
    const result =
      answer === "allow" && given.length > 0
        ? await this.#grant(client.clientId, name, person, given)
        : { error: "access_denied", error_description: "the person said no" };
    const onward = await provider.interactionResult(request, response, result, {
      mergeWithLastSubmission: false,
    });
    const byItself = /^https?:/.test(redirectUri);
    return show(response, 200, onwardPage(onward, name, byItself));
  }

  /** Undefined also when its document, which may be fetched anew, is no longer there. */
  async #client(clientId: string) {
    try {
      return await this.#parts.provider.Client.find(clientId);
    } catch (error) {
      if (error instanceof errors.OIDCProviderError) return undefined;
      throw error;
    }
  }

  /** Each time a grant of its own: what one program was given says nothing about what the next one gets. */
  async #grant(clientId: string, name: string, person: Visitor, scopes: readonly Scope[]) {
    const { provider, store, publicUrl } = this.#parts;
    const grant = new provider.Grant({ accountId: person.id, clientId });
    grant.addResourceScope(resourceOf(publicUrl), scopes.join(" "));
    const grantId = await grant.save();
    store.describeGrant(grantId, clientId, name, { id: person.id, email: person.email });
    return {
      login: { accountId: person.id, remember: false },
      consent: { grantId },
    };
  }

  /** Proof that the form was shown to this person for this request. */
  #formToken(uid: string, { id }: Visitor): string {
    return createHmac("sha256", this.#key)
      .update(JSON.stringify([uid, id]))
      .digest("base64url");
  }
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  if (!request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded"))
    return undefined;
  const body = await readBody(request, LARGEST_FORM);
  return typeof body === "string" ? undefined : new URLSearchParams(body.toString());
}

function same(given: string, right: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function show(response: ServerResponse, status: number, page: string): void {
  response.writeHead(status, { ...pageHeaders, "Content-Type": "text/html; charset=utf-8" });
  response.end(page);
}

const refusal = messagePage(
  "Not for this account",
  "You are signed in, but this account may not let programs in. Ask an administrator of this hub.",
);
const expired = messagePage(
  "This request is over",
  "It took too long, or was started in another browser. Go back to the program that sent you here and start again.",
);
const foreign = messagePage(
  "This form is not yours",
  "It was not sent from the page that was shown to you, or somebody else has signed in meanwhile. Go back to the program and start again.",
);
