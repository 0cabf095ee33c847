/** Shares a droplet's memory among the services, so that no service can starve the others or the host. */

import { sizes } from "./sizes.ts";
import { UserError } from "./user-error.ts";

export interface Need {
  name: string;
  /** MiB without which the service does not run well. */
  minimum: number;
  /** Part of what is left on a larger droplet; 0 when more memory would not help. */
  weight: number;
}

export interface Share {
  /** MiB; the kernel ends the service beyond it. */
  limit: number;
  /** MiB; what the service keeps under pressure. */
  reservation: number;
}

/** MiB kept for the kernel, Docker, sshd and updates. */
export const HOST_RESERVE = 512;

/**
 * @throws UserError with the sum when the minima and the host's reserve do not fit the droplet
 */
export function planMemory(size: string, needs: Need[]): Record<string, Share> {
  const memory = sizes[size]?.memory;
  if (memory === undefined) throw new UserError(`Unknown droplet size ${size}`);
  const minima = needs.reduce((sum, need) => sum + need.minimum, 0);
  const spare = memory - HOST_RESERVE - minima;
  if (spare < 0) {
    const sum = needs.map((need) => `${need.name} ${need.minimum}`).join(" + ");
    const fitting = Object.entries(sizes).find(([, { memory }]) => memory >= minima + HOST_RESERVE);
    throw new UserError(
      `The memory plan does not fit droplet size ${size}:\n` +
        `  host ${HOST_RESERVE} + ${sum} = ${minima + HOST_RESERVE} MiB, but ${size} has ${memory} MiB\n` +
        `  Choose a larger size (${fitting?.[0] ?? "none known is large enough"}), or move the database and the cache ` +
        "out (databaseUrl, redisUrl)",
    );
  }
  const weights = needs.reduce((sum, need) => sum + need.weight, 0);
  const shares: Record<string, Share> = {};
  for (const need of needs) {
    const extra = weights === 0 ? 0 : Math.floor((spare * need.weight) / weights / 64) * 64;
    const limit = need.minimum + extra;
    shares[need.name] = { limit, reservation: Math.floor(limit / 2) };
  }
  return shares;
}
