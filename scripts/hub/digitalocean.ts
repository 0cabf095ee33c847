/** The few calls to DigitalOcean's API that the engine cannot make for us: finding and removing what a killed run left. */
import { UserError } from "../../hub/user-error.ts";

export interface DigitalOcean {
  /** Every item of a list, over all its pages. */
  list<T>(path: string, key: string): Promise<T[]>;
  /** Undefined when there is none. */
  get<T>(path: string, key: string): Promise<T | undefined>;
  /** A missing one counts as deleted. */
  remove(path: string): Promise<void>;
}

export function digitalOcean(): DigitalOcean {
  const base = process.env.DIGITALOCEAN_API_URL ?? "https://api.digitalocean.com";
  const token = process.env.DIGITALOCEAN_TOKEN ?? process.env.DIGITALOCEAN_ACCESS_TOKEN ?? "";
  const call = async (method: string, path: string): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      const answer = await fetch(new URL(path, base), {
        method,
        headers: { Authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(60_000),
      });
      if (attempt < 6 && (answer.status === 429 || answer.status >= 500)) {
        await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
        continue;
      }
      return answer;
    }
  };
  const sound = async (answer: Response, what: string): Promise<Response> => {
    if (answer.ok) return answer;
    throw new UserError(
      `DigitalOcean refuses ${what}: ${answer.status} ${(await answer.text()).slice(0, 300)}`,
    );
  };
  return {
    async list<T>(path: string, key: string) {
      const items: T[] = [];
      let next: string | undefined = `${path}${path.includes("?") ? "&" : "?"}per_page=200`;
      while (next) {
        const answer: Response = await sound(await call("GET", next), `GET ${path}`);
        const page = (await answer.json()) as Record<string, unknown> & {
          links?: { pages?: { next?: string } };
        };
        items.push(...((page[key] as T[] | undefined) ?? []));
        const following: string | undefined = page.links?.pages?.next;
        next = following
          ? new URL(following, base).pathname + new URL(following, base).search
          : undefined;
      }
      return items;
    },
    async get<T>(path: string, key: string) {
      const answer = await call("GET", path);
      if (answer.status === 404) return undefined;
      await sound(answer, `GET ${path}`);
      return ((await answer.json()) as Record<string, T>)[key];
    },
    async remove(path) {
      const answer = await call("DELETE", path);
      if (answer.status !== 404) await sound(answer, `DELETE ${path}`);
    },
  };
}
