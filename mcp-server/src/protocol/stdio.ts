/** The server on standard input and output, for a client that starts it itself. */
import type { Server } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import { type Caller, type Scope, scopes } from "../access/caller.ts";
import { limits } from "../limits.ts";
import { type DepsSettings, openDeps } from "./open-deps.ts";
import { createSdkServer } from "./sdk-server.ts";
import { tellChanges } from "./subscriptions.ts";

export interface StdioSettings extends DepsSettings {
  /** What the client may do. Default all: it runs as the same user. */
  scopes?: readonly Scope[];
}

export interface RunningStdio {
  /** Settles when the client has gone and everything is closed. */
  ended: Promise<void>;
  close(): Promise<void>;
}

/** Throws an Error for people when the workspace cannot be used. */
export async function startStdio(settings: StdioSettings): Promise<RunningStdio> {
  const { deps, close } = await openDeps(settings);
  const caller: Caller = {
    token: "stdio",
    scopes: new Set(settings.scopes ?? scopes),
    projects: "all",
  };
  // Above what HTTP takes: the frame around a write's content comes on top.
  const transport = new StdioServerTransport(process.stdin, process.stdout, {
    maxBufferSize: limits.requestBody,
  });
  const { promise: ended, resolve: end, reject } = Promise.withResolvers<void>();
  let closing = false;
  const closeAll = () => {
    if (!closing) {
      closing = true;
      close().then(end, reject);
    }
    return ended;
  };
  const handle = serveStdio(
    ({ era }): Server => {
      const server = createSdkServer(deps, caller, era);
      tellChanges(deps.workspace, server);
      return server;
    },
    {
      transport,
      onerror: (error) => process.stderr.write(`${error.message}\n`),
    },
  );
  // A client that has gone closes our input and stops reading our output; both end the connection.
  process.stdin.once("end", closeAll);
  process.stdin.once("close", closeAll);
  process.stdout.on("error", closeAll);
  return {
    ended,
    async close() {
      await handle.close();
      await closeAll();
    },
  };
}
