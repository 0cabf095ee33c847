/** The hub as plain data: everything that rendering needs and nothing about how it is provisioned. */
import type { Config } from "../config/parse.ts";
import { hostName, type Settings } from "../config/schema.ts";
import { planMemory, type Share } from "./memory.ts";
import { type Service, services } from "./services.ts";

export interface HubService extends Service {
  memory: Share;
}

export interface Hub {
  settings: Settings;
  /** Name it answers to, like aihub.example.com. */
  hostName: string;
  url: string;
  services: HubService[];
  externalDatabase: boolean;
  externalCache: boolean;
  /** Whether a model API key is among the secrets. */
  modelApiKey: boolean;
}

/** @throws UserError when the services do not fit the droplet's memory */
export function describeHub({ settings, secrets }: Config): Hub {
  const externalDatabase = secrets.databaseUrl !== undefined;
  const externalCache = secrets.redisUrl !== undefined;
  const wanted = services.filter(
    (service) =>
      !(service.embedded === "database" && externalDatabase) &&
      !(service.embedded === "cache" && externalCache) &&
      (service.onlyIn === undefined || service.onlyIn === settings.tlsMode),
  );
  const memory = planMemory(settings.size, [...wanted]);
  const name = hostName(settings);
  return {
    settings,
    hostName: name,
    url: `https://${name}`,
    services: wanted.map((service) => ({ ...service, memory: memory[service.name] as Share })),
    externalDatabase,
    externalCache,
    modelApiKey: secrets.modelApiKey !== undefined,
  };
}
