/** The hub's own server, on a Unix socket that nginx alone can reach: who asks here has passed nginx. */
import { createServer } from "node:http";
import { certificateSection, statusPath } from "./certificate/section.ts";
import { listenAtDoor } from "./door-socket.ts";
import type { GateSettings, HubServerSettings } from "./environment.ts";
import { gateSections } from "./gate/gate-sections.ts";
import { homeSection } from "./home/home.ts";
import { oauthSections } from "./oauth/oauth.ts";
import type { Section } from "./section.ts";
import { StatusSource } from "./status/status-source.ts";
import { OwnerWatch } from "./tokens/owner-watch.ts";

export interface RunningHubServer {
  close(): Promise<void>;
}

/** The whole of it. */
export async function startHubServer(settings: HubServerSettings): Promise<RunningHubServer> {
  const owners = new OwnerWatch(settings);
  const server = await serve(settings, [
    ...gateSections(settings),
    ...oauthSections(settings),
    ...(settings.certificate ? [certificateSection(settings.certificate, !settings.standIn)] : []),
    homeSection({
      access: settings.access,
      publicUrl: settings.publicUrl,
      tokensFile: settings.tokensFile,
      auditFolder: settings.auditDir,
      status: statusOf(settings),
    }),
  ]);
  if (!settings.standIn) owners.start();
  return {
    async close() {
      owners.stop();
      await server.close();
    },
  };
}

/** The gate and nothing else. */
export function startGate(settings: GateSettings): Promise<RunningHubServer> {
  return serve(settings, gateSections(settings));
}

async function serve(
  settings: Pick<GateSettings, "socket" | "instance">,
  sections: Section[],
): Promise<RunningHubServer> {
  let draining = false;
  const server = createServer((request, response) => {
    // nginx takes no kept connection again that ends with its answer.
    if (draining) response.setHeader("Connection", "close");
    const [path = "/"] = (request.url ?? "/").split("?");
    const section = sections.find(({ prefix }) =>
      prefix.endsWith("/") ? path.startsWith(prefix) : path === prefix,
    );
    // nginx passes the path on as it was written, and chose its location by what it means.
    if (!section || isOdd(path)) {
      response.writeHead(404).end();
      return;
    }
    // A promise in any case, so that what is thrown at once is caught as well.
    void (async () => section.handle(request, response))().catch((error: Error) => {
      process.stderr.write(`${request.method} ${path}: ${error.stack}\n`);
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  });
  // nginx keeps connections to it; one that is closed under a question would be a refusal.
  server.keepAliveTimeout = 90_000;
  const door = await listenAtDoor(server, settings.socket, settings.instance);
  return {
    async close() {
      draining = true;
      door.leave();
      server.closeIdleConnections();
      const closed = new Promise((resolve) => server.close(resolve));
      for (const { drain } of sections) drain?.();
      await closed;
      for (const { close } of sections) await close?.();
    },
  };
}

export function statusOf(
  settings: Pick<HubServerSettings, "statusDir" | "frontDoor" | "publicUrl" | "certificate">,
): StatusSource {
  const serverName = new URL(settings.publicUrl).hostname;
  const keeping = settings.certificate && statusPath(settings.certificate);
  return new StatusSource(settings.statusDir, { ...settings.frontDoor, serverName }, keeping);
}

/** Whether a path may mean another one than it spells. */
function isOdd(path: string): boolean {
  return /\/\/|\\|\/\.\.?(\/|$)|%(2e|2f|5c)/i.test(path);
}
