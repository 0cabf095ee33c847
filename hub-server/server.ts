/** The hub's own server, on a Unix socket that nginx alone can reach: who asks here has passed nginx. */
import { chmod, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { certificateSection, statusPath } from "./certificate/section.ts";
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
  const server = await serve(settings.socket, [
    ...gateSections(settings),
    ...oauthSections(settings),
    ...(settings.certificate ? [certificateSection(settings.certificate)] : []),
    homeSection({
      access: settings.access,
      publicUrl: settings.publicUrl,
      tokensFile: settings.tokensFile,
      auditFolder: settings.auditDir,
      status: statusOf(settings),
    }),
  ]);
  owners.start();
  return {
    async close() {
      owners.stop();
      await server.close();
    },
  };
}

/** The gate and nothing else. */
export function startGate(settings: GateSettings): Promise<RunningHubServer> {
  return serve(settings.socket, gateSections(settings));
}

async function serve(socket: string, sections: Section[]): Promise<RunningHubServer> {
  const server = createServer((request, response) => {
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
  await listenOnSocket(server, socket);
  return {
    async close() {
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

async function listenOnSocket(server: Server, path: string): Promise<void> {
  // nginx keeps connections to it; one that is closed under a question would be a refusal.
  server.keepAliveTimeout = 90_000;
  // Left by one that was killed.
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  // Its folder says who reaches it: nginx's group.
  await chmod(path, 0o666);
}
