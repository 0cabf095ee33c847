import digitaloceanPackage from "@pulumi/digitalocean/package.json" with { type: "json" };
import type { Provider } from "../resource.ts";
import type { Properties } from "../wire.ts";
import { type ApiSettings, connectApi } from "./api.ts";
import { dnsRecord } from "./dns-record.ts";
import { droplet } from "./droplet.ts";
import { firewall } from "./firewall.ts";
import { getDomain } from "./get-domain.ts";
import { getSizes } from "./get-sizes.ts";
import { monitorAlert } from "./monitor-alert.ts";
import { project } from "./project.ts";
import { projectResources } from "./project-resources.ts";
import { reservedIp } from "./reserved-ip.ts";
import { connectS3, type S3Settings } from "./s3.ts";
import { spacesBucket } from "./spaces-bucket.ts";
import { spacesKey } from "./spaces-key.ts";
import { sshKey } from "./ssh-key.ts";
import { tag } from "./tag.ts";
import { uptimeAlert } from "./uptime-alert.ts";
import { uptimeCheck } from "./uptime-check.ts";
import { volume } from "./volume.ts";
import { vpc } from "./vpc.ts";

/**
 * DigitalOcean's provider for the API at `apiUrl`.
 * The program's `digitalocean:token` goes before `token`, so that a wrong one is refused here too;
 * its `apiEndpoint` and `spacesEndpoint` are ignored: a rehearsal never leaves this machine.
 */
export function digitaloceanProvider(options: {
  apiUrl: string;
  token: string;
  /** Address of object storage; left out: there is none. */
  spacesUrl?: string;
}): Provider {
  const settings: ApiSettings = { token: options.token, retries: 4, waitFrom: 1, waitTo: 30 };
  const api = connectApi(options.apiUrl, settings);
  const s3 = connectS3(options.spacesUrl, spacesSettings({}));
  return {
    name: "digitalocean",
    version: digitaloceanPackage.version,
    configKeys: [
      "apiEndpoint",
      "httpRetryMax",
      "httpRetryWaitMax",
      "httpRetryWaitMin",
      "requestsPerSecond",
      "spacesAccessId",
      "spacesEndpoint",
      "spacesSecretKey",
      "token",
    ],
    configure(config) {
      s3.settings = spacesSettings(config);
      api.settings = {
        token: typeof config.token === "string" && config.token ? config.token : options.token,
        retries: numberOf(config.httpRetryMax) ?? settings.retries,
        waitFrom: numberOf(config.httpRetryWaitMin) ?? settings.waitFrom,
        waitTo: numberOf(config.httpRetryWaitMax) ?? settings.waitTo,
      };
    },
    resources: [
      dnsRecord(api),
      droplet(api),
      firewall(api),
      monitorAlert(api),
      project(api),
      projectResources(api),
      reservedIp(api),
      spacesBucket(api, s3),
      spacesKey(api),
      sshKey(api),
      tag(api),
      uptimeAlert(api),
      uptimeCheck(api),
      volume(api),
      vpc(api),
    ],
    functions: [getDomain(api), getSizes(api)],
  };
}

/** The keys of the configuration, else those of the environment. */
function spacesSettings(config: Properties): S3Settings {
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
  return {
    accessKey: text(config.spacesAccessId) ?? process.env.SPACES_ACCESS_KEY_ID,
    secretKey: text(config.spacesSecretKey) ?? process.env.SPACES_SECRET_ACCESS_KEY,
  };
}

/** Numbers in a provider's configuration come as JSON text. */
function numberOf(value: unknown): number | undefined {
  const number = typeof value === "number" ? value : Number.parseFloat(String(value));
  return Number.isFinite(number) ? number : undefined;
}
