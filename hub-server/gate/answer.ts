/** A verdict as nginx's auth_request understands it: 204, 401, 403, and anything else for "nobody can tell". */
import type { ServerResponse } from "node:http";
import type { Verdict } from "./gate.ts";

export function answerVerdict(response: ServerResponse, verdict: Verdict): void {
  switch (verdict.outcome) {
    case "pass": {
      const { person } = verdict;
      response.writeHead(204, {
        ...(person && {
          "X-Hub-Id": encodeURIComponent(person.id),
          "X-Hub-User": encodeURIComponent(person.email),
          "X-Hub-Name": encodeURIComponent(person.name),
          "X-Hub-Role": person.role,
        }),
      });
      break;
    }
    case "sign in":
      response.writeHead(401, { "X-Gate-Location": verdict.location });
      break;
    case "challenge":
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="AI Hub", charset="UTF-8"' });
      break;
    case "too many":
    case "refused":
      response.writeHead(403);
      break;
    case "unavailable":
      response.writeHead(503);
      break;
  }
  response.end();
}
