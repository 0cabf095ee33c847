/**
 * Telling the one client on standard input and output about changes. The SDK keeps to itself what such a client asked for, so
 * this listens in; a client of 2025 has requests of its own for it.
 */
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type Server,
  type ServerEvent,
  type Transport,
} from "@modelcontextprotocol/server";
import type { Caller } from "../access/caller.ts";
import type { Era } from "./sdk-server.ts";
import type { Subscriptions } from "./subscriptions.ts";

export class StdioSubscriptions {
  readonly #subscriptions: Subscriptions;
  readonly #caller: Caller;
  /** What ends each subscription: by the id of its request, or by its URI. */
  readonly #ends = new Map<unknown, () => void>();
  #server: Server | undefined;

  constructor(subscriptions: Subscriptions, caller: Caller) {
    this.#subscriptions = subscriptions;
    this.#caller = caller;
  }

  /** The server that speaks to the client; call it before it is connected. */
  serving(server: Server, era: Era): Server {
    this.#server = server;
    if (era === "legacy") this.#takeRequestsOf2025(server);
    return server;
  }

  /** Listens in on a transport; call it when the SDK serves it. */
  hear(transport: Transport): void {
    const take = transport.onmessage;
    transport.onmessage = <M extends JSONRPCMessage>(message: M, extra?: unknown) => {
      const pass = (passed: unknown) => take?.(passed as M, extra as never);
      if (isJSONRPCRequest(message) && message.method === "subscriptions/listen") {
        this.#subscriptions.listening(this.#caller, message, (narrowed) => {
          this.#begin(message.id, () => true);
          pass(narrowed);
        });
        return;
      }
      if (isJSONRPCNotification(message) && message.method === "notifications/cancelled") {
        this.#end(message.params?.requestId);
      }
      pass(message);
    };
  }

  #takeRequestsOf2025(server: Server): void {
    server.registerCapabilities({ resources: { subscribe: true, listChanged: true } });
    this.#listen([], LIST, ({ kind }) => kind === "resources_list_changed");
    server.setRequestHandler("resources/subscribe", ({ params: { uri } }) => {
      this.#listen([uri], uri, ({ kind }) => kind === "resource_updated");
      return {};
    });
    server.setRequestHandler("resources/unsubscribe", ({ params: { uri } }) => {
      this.#end(uri);
      return {};
    });
  }

  #listen(uris: string[], key: unknown, wanted: (event: ServerEvent) => boolean): void {
    const request = { params: { notifications: { resourceSubscriptions: uris } } };
    this.#subscriptions.listening(this.#caller, request, () => this.#begin(key, wanted));
  }

  #begin(key: unknown, wanted: (event: ServerEvent) => boolean): void {
    this.#end(key);
    const end = this.#subscriptions.subscribe((event) => {
      if (wanted(event)) this.#tell(event);
    });
    this.#ends.set(key, end);
  }

  #end(key: unknown): void {
    this.#ends.get(key)?.();
    this.#ends.delete(key);
  }

  #tell(event: ServerEvent): void {
    const server = this.#server;
    if (server === undefined) return;
    const told =
      event.kind === "resource_updated"
        ? server.sendResourceUpdated({ uri: event.uri })
        : server.sendResourceListChanged();
    // The client may have gone.
    told.catch(() => {});
  }
}

/** Key of what tells a client of 2025 about the list; no URI and no id of a request. */
const LIST = Symbol("list");
