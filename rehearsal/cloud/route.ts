/** One endpoint: how it is addressed, what its body may hold, what answers it. */
import type { z } from "zod";
import { ApiError, notFound, unprocessable } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";

export interface Call<Body> {
  /** Values of the `:name` segments of the path. */
  params: Record<string, string>;
  query: URLSearchParams;
  body: Body;
  /** Address of this API as the caller sees it; links in answers begin with it. */
  origin: string;
  path: string;
}

export interface Reply {
  status: number;
  /** Sent as JSON; left out with 204. */
  body?: unknown;
}

export interface Route {
  method: string;
  /** Segments of the path; one that begins with ":" stands for any text. */
  segments: string[];
  answer(cloud: Cloud, call: Call<unknown>): Reply | Promise<Reply>;
}

/** An endpoint without a body. */
export function route(
  method: "GET" | "DELETE" | "POST",
  path: string,
  answer: (cloud: Cloud, call: Call<unknown>) => Reply | Promise<Reply>,
): Route {
  return { method, segments: split(path), answer };
}

/** An endpoint with a JSON body; a field that the schema does not know is refused by name. */
export function routeWithBody<Body>(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  schema: z.ZodType<Body>,
  answer: (cloud: Cloud, call: Call<Body>) => Reply | Promise<Reply>,
): Route {
  return {
    method,
    segments: split(path),
    answer: (cloud, call) =>
      answer(cloud, { ...call, body: parseBody(schema, call.body, `${method} ${path}`) }),
  };
}

/** Finds the endpoint of a request, or answers 404 with its name: what the rehearsal lacks must not go unseen. */
export function findRoute(
  routes: Route[],
  method: string,
  path: string,
): { route: Route; params: Record<string, string> } {
  const asked = split(path);
  for (const candidate of routes) {
    if (candidate.method !== method) continue;
    const params = match(candidate.segments, asked);
    if (params) return { route: candidate, params };
  }
  throw notFound(`The rehearsal of DigitalOcean has no endpoint ${method} ${path}.`);
}

function match(segments: string[], asked: string[]): Record<string, string> | undefined {
  if (segments.length !== asked.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = asked[index] as string;
    if (segment.startsWith(":")) params[segment.slice(1)] = value;
    else if (segment !== value) return undefined;
  }
  return params;
}

function split(path: string): string[] {
  return path
    .split("/")
    .filter((segment) => segment !== "")
    .map((segment) => {
      try {
        return decodeURIComponent(segment);
      } catch {
        throw new ApiError(400, "bad_request", `"${segment}" is not a valid path segment.`);
      }
    });
}

function parseBody<Body>(schema: z.ZodType<Body>, body: unknown, endpoint: string): Body {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const at = issue.path.join(".");
    if (issue.code === "unrecognized_keys") {
      const fields = issue.keys.map((key) => `"${at ? `${at}.` : ""}${key}"`).join(", ");
      return `unknown field ${fields}`;
    }
    return at ? `${at}: ${issue.message}` : issue.message;
  });
  throw unprocessable(`${endpoint}: ${problems.join("; ")}`);
}
