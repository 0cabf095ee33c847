/**
 * The files that hold secrets, one folder per service, each folder named by its content so that a changed secret
 * recreates exactly the services that use it. Goes to the host by standard input, never as part of a release.
 */
import type { Hub } from "../hub/hub.ts";
import type { HubSecrets } from "../hub/secrets.ts";
import { recoveryJob, setupJob } from "../hub/services.ts";
import { archive, digestOf, type Files } from "./archive.ts";
import { recoverySecretsOf } from "./recovery.ts";
import { HOST_FOLDER } from "./release.ts";

export interface SecretFiles {
  /** 16 hex digits over all of them. */
  digest: string;
  /** base64 of the gzipped tar: `current.env` and a folder per service. */
  archive: string;
}

export async function renderSecretFiles(hub: Hub, secrets: HubSecrets): Promise<SecretFiles> {
  const database =
    secrets.databaseUrl ??
    `postgresql://hub:${encodeURIComponent(secrets.postgresPassword)}@postgres:5432/hub`;
  const cache =
    secrets.redisUrl ?? `redis://:${encodeURIComponent(secrets.valkeyPassword)}@valkey:6379/0`;
  const contents: Record<string, Record<string, string>> = {
    nginx: { "tls.crt": secrets.tlsCertificate, "tls.key": secrets.tlsPrivateKey },
    "open-webui": {
      "open-webui.env": envFile({
        WEBUI_SECRET_KEY: secrets.webuiSecretKey,
        WEBUI_ADMIN_PASSWORD: secrets.adminPassword,
        DATABASE_URL: database,
        REDIS_URL: cache,
        WEBSOCKET_REDIS_URL: cache,
        ...(hub.settings.modelApiUrl
          ? {
              OPENAI_API_BASE_URL: hub.settings.modelApiUrl,
              OPENAI_API_KEY: secrets.modelApiKey ?? "",
            }
          : {}),
      }),
    },
    "mcp-server": { "mcp-token": secrets.mcpToken },
    postgres: { password: secrets.postgresPassword },
    valkey: {
      password: secrets.valkeyPassword,
      "valkey.conf": [
        "bind * -::*",
        "protected-mode yes",
        `requirepass ${secrets.valkeyPassword}`,
        "dir /data",
        // Sign-outs live here: they must outlast a restart.
        "appendonly yes",
        // A copy for a recovery point does not wait five seconds for others that want one.
        "repl-diskless-sync-delay 0",
        "maxmemory 96mb",
        "maxmemory-policy volatile-lru",
        "",
      ].join("\n"),
    },
    [recoveryJob.name]: { "recovery.json": `${JSON.stringify(recoverySecretsOf(hub, secrets))}\n` },
    [setupJob.name]: {
      "admin-password": secrets.adminPassword,
      "mcp-token": secrets.mcpToken,
      "model-api-key": secrets.modelApiKey ?? "",
    },
  };
  const owners = new Map<string, { uid: number; gid: number }>([
    ...hub.services.map((service) => [service.name, service.secretsOwner] as const),
    [setupJob.name, setupJob.secretsOwner],
    [recoveryJob.name, recoveryJob.secretsOwner],
  ]);

  const files: Files = {};
  const names: string[] = [];
  for (const [name, owner] of owners) {
    const content = contents[name];
    if (!content) continue;
    const own: Files = Object.fromEntries(
      Object.entries(content).map(([path, text]) => [
        path,
        { content: text, mode: "0400", ...owner },
      ]),
    );
    const folder = `${name}-${digestOf(own).slice(0, 12)}`;
    for (const [path, file] of Object.entries(own)) files[`${folder}/${path}`] = file;
    names.push(
      `SECRETS_${name.toUpperCase().replaceAll("-", "_")}=${HOST_FOLDER}/secrets/${folder}`,
    );
  }
  files["current.env"] = { content: `${names.join("\n")}\n`, mode: "0600" };
  return { digest: digestOf(files), archive: await archive(files) };
}

/** Compose reads single-quoted values literally; a quote inside ends the quoting, so it is refused. */
function envFile(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([key, value]) => {
      if (/['\r\n]/.test(value))
        throw new Error(`${key}: a quote or a line break cannot be passed on`);
      return `${key}='${value}'\n`;
    })
    .join("");
}
