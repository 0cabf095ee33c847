/** A program that wants in, by the official SDK: it discovers, registers, and keeps what it is given in memory. */
import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from "@modelcontextprotocol/client";

export class Program implements OAuthClientProvider {
  readonly redirectUrl = "http://127.0.0.1:43210/callback";
  readonly #more: Partial<OAuthClientMetadata>;
  readonly clientMetadataUrl?: string;
  information: StoredOAuthClientInformation | undefined;
  given: StoredOAuthTokens | undefined;
  discovered: OAuthDiscoveryState | undefined;
  verifier = "";
  wanted: URL | undefined;

  constructor(more: Partial<OAuthClientMetadata> = {}, clientMetadataUrl?: string) {
    this.#more = more;
    if (clientMetadataUrl) this.clientMetadataUrl = clientMetadataUrl;
  }

  get clientMetadata(): OAuthClientMetadata {
    return { client_name: "Test Program", redirect_uris: [this.redirectUrl], ...this.#more };
  }
  state(): string {
    return "the-state";
  }
  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.information;
  }
  saveClientInformation(information: StoredOAuthClientInformation): void {
    this.information = information;
  }
  tokens(): StoredOAuthTokens | undefined {
    return this.given;
  }
  saveTokens(tokens: StoredOAuthTokens): void {
    this.given = tokens;
  }
  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.discovered = state;
  }
  discoveryState(): OAuthDiscoveryState | undefined {
    return this.discovered;
  }
  redirectToAuthorization(url: URL): void {
    this.wanted = url;
  }
  saveCodeVerifier(verifier: string): void {
    this.verifier = verifier;
  }
  codeVerifier(): string {
    return this.verifier;
  }
}
