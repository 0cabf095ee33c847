/** DigitalOcean's paging: `page`, `per_page` in, `links.pages` and `meta.total` out. */
import { unprocessable } from "./api-error.ts";
import type { Call, Reply } from "./route.ts";

const DEFAULT_PER_PAGE = 20;
const MAX_PER_PAGE = 200;

/** Answers 200 with one page of `items` under `key`. */
export function page(call: Call<unknown>, key: string, items: unknown[]): Reply {
  const perPage = Math.min(number(call.query, "per_page", DEFAULT_PER_PAGE), MAX_PER_PAGE);
  const current = number(call.query, "page", 1);
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const link = (to: number) => {
    const query = new URLSearchParams(call.query);
    query.set("page", String(to));
    query.set("per_page", String(perPage));
    return `${call.origin}${call.path}?${query}`;
  };
  const pages: Record<string, string> = {};
  if (current > 1) Object.assign(pages, { first: link(1), prev: link(current - 1) });
  if (current < last) Object.assign(pages, { next: link(current + 1), last: link(last) });
  return {
    status: 200,
    body: {
      [key]: items.slice((current - 1) * perPage, current * perPage),
      links: Object.keys(pages).length > 0 ? { pages } : {},
      meta: { total: items.length },
    },
  };
}

function number(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null || text === "") return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw unprocessable(`${name} must be a whole number above 0.`);
  return value;
}
