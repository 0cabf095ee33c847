/** Tells the audit log of a request that is no call of a tool: who, what, how it ended. */
import { ProtocolError } from "@modelcontextprotocol/server";
import { type AuditEntry, who } from "../access/audit.ts";
import type { Caller } from "../access/caller.ts";
import type { Deps } from "./deps.ts";

/** Passes on what `act` answers or throws. `method`: its name in the protocol; `target`: what it was asked about. */
export function recorded<T>(
  { audit }: Pick<Deps, "audit">,
  caller: Caller,
  method: string,
  target: Pick<AuditEntry, "project" | "path">,
  act: () => T,
  signal?: AbortSignal,
): T {
  const started = performance.now();
  const end = (outcome: AuditEntry["outcome"]) => {
    const ms = Math.round((performance.now() - started) * 1e3) / 1e3;
    audit.record({ ...who(caller), tool: method, ...target, outcome, ms });
  };
  const failed = (error: unknown): never => {
    end(error instanceof ProtocolError ? "invalid" : signal?.aborted ? "cancelled" : "defect");
    throw error;
  };
  try {
    const answer = act();
    if (answer instanceof Promise) {
      return answer.then((settled) => {
        end("ok");
        return settled;
      }, failed) as T;
    }
    end("ok");
    return answer;
  } catch (error) {
    return failed(error);
  }
}
