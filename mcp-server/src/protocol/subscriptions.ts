/**
 * Who wants to hear about which files (`subscriptions/listen`), and telling them, whoever changes the files. Nobody hears of a
 * project that his token does not reach.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ServerEvent, ServerEventBus } from "@modelcontextprotocol/server";
import type { Caller } from "../access/caller.ts";
import { limits } from "../limits.ts";
import { projectOf } from "../workspace/paths.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { FileWatch } from "./file-watch.ts";
import { mayRead } from "./reachable-projects.ts";
import { placeOf } from "./resource-uri.ts";

/** What one stream asked for. */
interface Asked {
  /** Who asked, with the rights of now; undefined when the token no longer counts. */
  current: () => Caller | undefined;
  /** Each file with the spellings of its URI that were asked for. */
  files: Map<string, Set<string>>;
}

interface Subscriber extends Asked {
  tell(event: ServerEvent): void;
}

/** Milliseconds in which changes of the lists are taken together: a client answers each by listing anew. */
const LIST_SETTLE = 250;

/** The bus of the SDK's handler. */
export class Subscriptions implements ServerEventBus {
  readonly #asked = new AsyncLocalStorage<Asked>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #watch: FileWatch;
  readonly #stop: () => void;
  readonly #changedProjects = new Set<string>();
  #listTimer: NodeJS.Timeout | undefined;

  constructor(workspace: Workspace) {
    this.#watch = new FileWatch(workspace, (path) => this.#updated(path));
    this.#stop = workspace.onChange((paths) => this.#listed(paths));
  }

  /** Open streams. */
  get size(): number {
    return this.#subscribers.size;
  }

  /**
   * Serves a `subscriptions/listen` request for a caller. `serve` gets the body without the resources that the caller may not
   * read, so that the acknowledgement names what is really told. `current` gives the caller with the rights that he has when
   * something is to be told, for tokens may be revoked while a stream is open; default: the caller as he is.
   */
  listening<Result>(
    caller: Caller,
    body: unknown,
    serve: (narrowed: unknown) => Result,
    current: () => Caller | undefined = () => caller,
  ): Result {
    const files: Asked["files"] = new Map();
    const narrowed = narrow(body, (uri) => {
      const place = placeOf(uri);
      if (place === undefined) return !uri.startsWith("workspace:");
      if (!mayRead(caller, place.project)) return false;
      const spellings = files.get(place.path);
      if (spellings) spellings.add(uri);
      else files.set(place.path, new Set([uri]));
      return true;
    });
    return this.#asked.run({ current, files }, () => serve(narrowed));
  }

  /** Outside of `listening` nobody is known to ask, so nothing is told. */
  subscribe(listener: (event: ServerEvent) => void): () => void {
    const asked = this.#asked.getStore();
    if (asked === undefined) return () => {};
    const subscriber: Subscriber = { ...asked, tell: listener };
    this.#subscribers.add(subscriber);
    const ends = [...asked.files.keys()].map((path) =>
      this.#watch.add(path, asked.current()?.token),
    );
    return () => {
      this.#subscribers.delete(subscriber);
      for (const end of ends) end();
    };
  }

  publish(event: ServerEvent): void {
    for (const { tell } of this.#subscribers) tell(event);
  }

  close(): void {
    this.#stop();
    clearTimeout(this.#listTimer);
    this.#watch.close();
    this.#subscribers.clear();
  }

  #updated(path: string): void {
    const project = projectOf(path);
    for (const { files, tell, current } of this.#subscribers) {
      const uris = files.get(path);
      if (uris === undefined || !reaches(current(), [project])) continue;
      for (const uri of uris) tell({ kind: "resource_updated", uri });
    }
  }

  #listed(paths: string[]): void {
    if (this.#subscribers.size === 0) return;
    for (const path of paths) this.#changedProjects.add(projectOf(path));
    this.#listTimer ??= setTimeout(() => {
      this.#listTimer = undefined;
      const projects = [...this.#changedProjects];
      this.#changedProjects.clear();
      for (const { current, tell } of this.#subscribers) {
        if (reaches(current(), projects)) tell({ kind: "resources_list_changed" });
      }
    }, LIST_SETTLE).unref();
  }
}

/** Whether the caller may read in one of the projects. */
function reaches(caller: Caller | undefined, projects: readonly string[]): boolean {
  return caller !== undefined && projects.some((project) => mayRead(caller, project));
}

/** The body with those of its `resourceSubscriptions` that may stay; one that has none is left alone. */
function narrow(body: unknown, stays: (uri: string) => boolean): unknown {
  const request = body as {
    params?: { notifications?: { resourceSubscriptions?: unknown } | null } | null;
  } | null;
  const uris = request?.params?.notifications?.resourceSubscriptions;
  if (!Array.isArray(uris) || uris.some((uri) => typeof uri !== "string")) return body;
  const kept = [...new Set(uris as string[])].filter(stays).slice(0, limits.watchedFiles);
  const notifications = { ...request?.params?.notifications, resourceSubscriptions: kept };
  return { ...request, params: { ...request?.params, notifications } };
}
