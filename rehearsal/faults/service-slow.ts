/** The database or the cache answers the chat late, each time, though it is well itself. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";
import { container, type Stage } from "./stage.ts";
import { putBetween } from "./toxiproxy.ts";

interface Slow {
  service: string;
  port: number;
  milliseconds: number;
  /** Ends the connections that the chat has, on the droplet: new ones lead through the proxy. */
  disconnect: string;
}

const FOR_SECONDS = 25;

export const slowPostgres = slow({
  service: "postgres",
  port: 5432,
  milliseconds: 800,
  disconnect: `docker exec ${container("postgres")} psql --username=hub --quiet -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_addr IS NOT NULL"`,
});

export const slowValkey = slow({
  service: "valkey",
  port: 6379,
  milliseconds: 800,
  disconnect: `docker exec ${container("valkey")} sh -c 'export REDISCLI_AUTH=$(cat /run/secrets/password); valkey-cli CLIENT KILL TYPE normal SKIPME yes; valkey-cli CLIENT KILL TYPE pubsub'`,
});

function slow({ service, port, milliseconds, disconnect }: Slow): Fault {
  return {
    name: `${service}-slow`,
    what: `${service} answers ${milliseconds} ms late for ${FOR_SECONDS} s`,
    async strike(stage) {
      const address = await addressOf(stage, service);
      const proxy = await putBetween(stage, {
        client: "open-webui",
        upstream: { address, port },
      });
      try {
        await proxy.slow(milliseconds);
        await stage.onDroplet(disconnect);
        await sleep(FOR_SECONDS * 1000);
      } finally {
        await proxy.remove();
      }
      return { over: Date.now() };
    },
    wants: (attempts) =>
      attempts.some(({ writer, began, ended }) => writer === "chat" && ended - began > milliseconds)
        ? []
        : ["no write to the chat was late"],
  };
}

async function addressOf(stage: Stage, service: string): Promise<string> {
  const printed = await stage.onDroplet(
    `docker inspect --format '{{(index .NetworkSettings.Networks "aihub_data").IPAddress}}' ${container(service)}`,
  );
  return printed.trim();
}
