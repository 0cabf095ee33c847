/** The four Pulumi providers that the program uses, for the engine to attach to in place of plugins. */
import { commandProvider } from "./command/command.ts";
import { digitaloceanProvider } from "./digitalocean/digitalocean.ts";
import { randomProvider } from "./random/random.ts";
import { serveProvider } from "./server.ts";
import { tlsProvider } from "./tls/tls.ts";

export interface RunningProviders {
  /** Value of PULUMI_DEBUG_PROVIDERS: "digitalocean:1234,command:1235,...". */
  debugProviders: string;
  /** Breaks off waits under way (never the making of a droplet), then stops. */
  close(): Promise<void>;
}

/**
 * Serves the providers on free ports of 127.0.0.1, for one run of the engine after another.
 * `apiUrl` and `token` are those of DigitalOcean's API or its rehearsal; `logFile` gets a line per operation, without values.
 */
export async function startProviders(options: {
  apiUrl: string;
  token: string;
  /** Address of object storage; left out: there is none. */
  spacesUrl?: string;
  logFile?: string;
}): Promise<RunningProviders> {
  const providers = [
    () => digitaloceanProvider(options),
    commandProvider,
    randomProvider,
    tlsProvider,
  ];
  const running = await Promise.all(
    providers.map(async (make) => ({
      name: make().name,
      server: await serveProvider(make, { logFile: options.logFile }),
    })),
  );
  return {
    debugProviders: running.map(({ name, server }) => `${name}:${server.port}`).join(","),
    async close() {
      await Promise.all(running.map(({ server }) => server.close()));
    },
  };
}
