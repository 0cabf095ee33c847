/** The container images a hub runs, by the role each plays. Versions are pinned; `latest` is refused. */
export interface Images {
  openWebui: string;
  /** Base of the images built on the host: the MCP server, the file manager and the set-up job. */
  node: string;
  files: string;
  codeServer: string;
  nginx: string;
  postgres: string;
  valkey: string;
  certbot: string;
  /** No service: only the program in it, /usr/bin/restic, is taken out, onto the host. */
  restic: string;
}

/** The tag in a reference, as 1.28 in nginx:1.28@sha256:...; undefined: it names none. */
export function tagOf(reference: string): string | undefined {
  return /:([^/:@]+)(?:@|$)/.exec(reference)?.[1];
}

export const defaultImages: Readonly<Images> = {
  openWebui: "ghcr.io/open-webui/open-webui:v0.12.4-slim",
  node: "node:24-slim",
  files: "sigoden/dufs:v0.47.0",
  codeServer: "codercom/code-server:4.139.1",
  nginx: "nginx:1.28",
  postgres: "pgvector/pgvector:pg17",
  valkey: "valkey/valkey:8.1",
  certbot: "certbot/certbot:v5.8.0",
  restic: "restic/restic:0.18.1",
};
