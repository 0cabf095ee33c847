/** A provider as a gRPC server, to which the engine attaches. */
import { appendFileSync } from "node:fs";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import rpc from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { checkInputs } from "./check.ts";
import { diffResponse } from "./diff-response.ts";
import { difference, topLevel } from "./difference.ts";
import { type EngineLog, engineLog } from "./engine-log.ts";
import { grpcError } from "./grpc-error.ts";
import { closeSecrets, closeUnfinished, inputsAsTheyAre } from "./remembered-state.ts";
import type { Operation, Provider, ProviderFunction, Resource } from "./resource.ts";
import { decode, encode, type Properties, revealAll, unknown } from "./wire.ts";

/** One configured provider. */
interface Attached {
  provider: Provider;
  resources: Map<string, Resource<Properties>>;
  functions: Map<string, ProviderFunction>;
}

const attachedOf = (provider: Provider): Attached => ({
  provider,
  resources: new Map(provider.resources.map((resource) => [resource.type, resource])),
  functions: new Map(provider.functions.map((one) => [one.token, one])),
});

export interface RunningProvider {
  port: number;
  /** Waits for operations under way, then stops listening. */
  close(): Promise<void>;
}

/**
 * Serves a provider on a free port of 127.0.0.1, for one run of the engine after another. The engine attaches once for
 * each provider that a program configures, every time by a connection of its own: each gets a provider of its own, as
 * each would get a process of the real plugin.
 * `logFile` gets one line per operation: what, on which resource, how long, how it ended; never a value.
 */
export async function serveProvider(
  make: () => Provider,
  options: { logFile?: string | undefined } = {},
): Promise<RunningProvider> {
  const provider = make();
  /** By the engine's end of the connection. */
  const attached = new Map<string, Attached>();
  let stop = new AbortController();
  let engine: EngineLog | undefined;
  let engineAddress = "";

  const attach = (address: string) => {
    if (stop.signal.aborted) stop = new AbortController();
    if (address === engineAddress) return;
    // Another run of the engine.
    attached.clear();
    engine?.close();
    engine = address ? engineLog(address) : undefined;
    engineAddress = address;
  };

  const attachedBy = (call: { getPeer(): string }): Attached => {
    const peer = call.getPeer();
    const known = attached.get(peer) ?? attachedOf(make());
    attached.set(peer, known);
    return known;
  };

  const resourceOf = (
    call: { getPeer(): string },
    type: string,
    urn: string,
  ): Resource<Properties> => {
    const { resources } = attachedBy(call);
    const token = type || urn.split("::")[2]?.split("$").at(-1) || "";
    const resource = resources.get(token);
    if (resource) return resource;
    throw new Error(
      `The rehearsal's ${provider.name} provider has no resource ${token}. ` +
        `It has: ${[...resources.keys()].join(", ")}.`,
    );
  };

  const operation = (urn: string, seconds: number, call: { cancelled: boolean }): Operation => {
    const write = (severity: "info" | "warning" | "error", text: string, passing: boolean) =>
      engine?.write({ urn, severity, text, passing });
    const gone = new AbortController();
    (call as ServerUnaryCall<unknown, unknown>).on("cancelled", () => gone.abort(stopped()));
    return {
      urn,
      signal: AbortSignal.any([stop.signal, gone.signal]),
      timeoutSeconds: seconds > 0 ? seconds : undefined,
      status: (text) => write("info", text, true),
      report: (severity, text) => write(severity, text, false),
    };
  };

  const note = (line: string) => {
    if (options.logFile) {
      appendFileSync(options.logFile, `${new Date().toISOString()} ${provider.name} ${line}\n`);
    }
  };

  /** A gRPC method whose errors keep their text, and whose work is noted in the log. */
  const unary =
    <Request, Response>(
      name: string,
      answer: (call: ServerUnaryCall<Request, Response>) => Promise<Response> | Response,
    ) =>
    async (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
      const started = performance.now();
      const request = call.request as { getUrn?: () => string; getTok?: () => string };
      const about = request.getUrn?.() ?? request.getTok?.() ?? "";
      const ended = (how: string) =>
        note(`${name} ${about} ${Math.round(performance.now() - started)}ms ${how}`);
      try {
        const response = await answer(call);
        ended("ok");
        callback(null, response);
      } catch (error) {
        ended("failed");
        callback(grpcError(error));
      }
    };

  const server = new Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });

  // What is left out here (Parameterize, GetSchema, Construct, Call, List, GetMapping) answers UNIMPLEMENTED.
  server.addService(providerGrpc.ResourceProviderService, {
    handshake: unary<rpc.ProviderHandshakeRequest, rpc.ProviderHandshakeResponse>(
      "Handshake",
      (call) => {
        attach(call.request.getEngineAddress());
        const response = new rpc.ProviderHandshakeResponse();
        response.setAcceptSecrets(true);
        return response;
      },
    ),

    attach: unary<plugin.PluginAttach, empty.Empty>("Attach", (call) => {
      attach(call.request.getAddress());
      return new empty.Empty();
    }),

    getPluginInfo: unary<empty.Empty, plugin.PluginInfo>("GetPluginInfo", () => {
      const response = new plugin.PluginInfo();
      response.setVersion(provider.version);
      return response;
    }),

    checkConfig: unary<rpc.CheckRequest, rpc.CheckResponse>("CheckConfig", (call) => {
      const news = decode(call.request.getNews());
      const response = new rpc.CheckResponse();
      for (const key of Object.keys(news)) {
        if (provider.configKeys.includes(key) || ["version", "pluginDownloadURL"].includes(key)) {
          continue;
        }
        const failure = new rpc.CheckFailure();
        failure.setProperty(key);
        failure.setReason(
          `could not validate provider configuration: Invalid or unknown key. ` +
            `Check \`pulumi config get ${provider.name}:${key}\`.`,
        );
        response.addFailures(failure);
      }
      response.setInputs(call.request.getNews());
      return response;
    }),

    diffConfig: unary<rpc.DiffRequest, rpc.DiffResponse>("DiffConfig", (call) => {
      const old = revealAll(decode(call.request.getOldInputs() ?? call.request.getOlds()));
      const changes = difference(old, revealAll(decode(call.request.getNews())), []);
      const response = new rpc.DiffResponse();
      response.setChanges(
        changes.size > 0
          ? rpc.DiffResponse.DiffChanges.DIFF_SOME
          : rpc.DiffResponse.DiffChanges.DIFF_NONE,
      );
      response.setDiffsList([...new Set([...changes.keys()].map(topLevel))]);
      return response;
    }),

    configure: unary<rpc.ConfigureRequest, rpc.ConfigureResponse>("Configure", (call) => {
      if (stop.signal.aborted) stop = new AbortController();
      const variables: Properties = {};
      for (const [key, value] of call.request.getVariablesMap().toObject(false)) {
        variables[key.split(":").at(-1) ?? key] = value;
      }
      const args = call.request.getArgs();
      attachedBy(call).provider.configure?.({
        ...variables,
        ...(args ? revealAll(decode(args)) : {}),
      });
      const response = new rpc.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),

    invoke: unary<rpc.InvokeRequest, rpc.InvokeResponse>("Invoke", async (call) => {
      const token = call.request.getTok();
      const called = attachedBy(call).functions.get(token);
      if (!called) {
        throw new Error(`The rehearsal's ${provider.name} provider has no function ${token}.`);
      }
      const response = new rpc.InvokeResponse();
      response.setReturn(encode(await called.call(revealAll(decode(call.request.getArgs())))));
      return response;
    }),

    check: unary<rpc.CheckRequest, rpc.CheckResponse>("Check", (call) => {
      const { request } = call;
      const resource = resourceOf(call, request.getType(), request.getUrn());
      const { inputs, failures } = checkInputs(resource, {
        name: request.getName() || (request.getUrn().split("::").at(-1) ?? ""),
        seed: request.getRandomseed_asU8(),
        news: decode(request.getNews()),
        olds: decode(request.getOlds()),
      });
      const response = new rpc.CheckResponse();
      response.setInputs(encode(inputs));
      for (const { property, reason } of failures) {
        const failure = new rpc.CheckFailure();
        failure.setProperty(property);
        failure.setReason(reason);
        response.addFailures(failure);
      }
      return response;
    }),

    diff: unary<rpc.DiffRequest, rpc.DiffResponse>("Diff", (call) => {
      const { request } = call;
      const resource = resourceOf(call, request.getType(), request.getUrn());
      const outputs = revealAll(decode(request.getOlds()));
      const sent = request.getOldInputs();
      const old = sent ? revealAll(decode(sent)) : outputs;
      return diffResponse(resource, old, revealAll(decode(request.getNews())), outputs);
    }),

    create: unary<rpc.CreateRequest, rpc.CreateResponse>("Create", async (call) => {
      const { request } = call;
      const resource = resourceOf(call, request.getType(), request.getUrn());
      const inputs = decode(request.getProperties());
      const response = new rpc.CreateResponse();
      if (request.getPreview()) {
        const planned = { ...unknowns(resource.computed), ...inputs };
        response.setProperties(encode(closeSecrets(resource, planned, inputs)));
        return response;
      }
      const { id, outputs } = await resource
        .create(revealAll(inputs), operation(request.getUrn(), request.getTimeout(), call))
        .catch((error: unknown) => {
          throw closeUnfinished(resource, error, inputs);
        });
      response.setId(id);
      response.setProperties(encode(closeSecrets(resource, outputs, inputs)));
      return response;
    }),

    read: unary<rpc.ReadRequest, rpc.ReadResponse>("Read", async (call) => {
      const { request } = call;
      const resource = resourceOf(call, request.getType(), request.getUrn());
      const inputs = decode(request.getInputs());
      const state = decode(request.getProperties());
      const response = new rpc.ReadResponse();
      if (!resource.read) {
        response.setId(request.getId());
        response.setProperties(request.getProperties());
        response.setInputs(request.getInputs());
        return response;
      }
      const remembered = { inputs: revealAll(inputs), outputs: revealAll(state) };
      const outputs = await resource.read(
        request.getId(),
        remembered,
        operation(request.getUrn(), request.getTimeout(), call),
      );
      if (!outputs) return response;
      response.setId(request.getId());
      response.setProperties(encode(closeSecrets(resource, outputs, { ...state, ...inputs })));
      response.setInputs(encode(inputsAsTheyAre(resource, inputs, remembered, outputs)));
      return response;
    }),

    update: unary<rpc.UpdateRequest, rpc.UpdateResponse>("Update", async (call) => {
      const { request } = call;
      const resource = resourceOf(call, request.getType(), request.getUrn());
      const inputs = decode(request.getNews());
      const state = decode(request.getOlds());
      const oldInputs = decode(request.getOldInputs());
      const response = new rpc.UpdateResponse();
      const old = { inputs: revealAll(oldInputs), outputs: revealAll(state) };
      const kept = Object.fromEntries(
        Object.entries(state).filter(([key]) => !(key in oldInputs) || key in inputs),
      );
      let outputs: Properties;
      if (request.getPreview()) {
        outputs = { ...kept, ...inputs, ...unknowns(resource.changing ?? []) };
      } else if (resource.update) {
        outputs = await resource
          .update(
            request.getId(),
            revealAll(inputs),
            old,
            operation(request.getUrn(), request.getTimeout(), call),
          )
          .catch((error: unknown) => {
            throw closeUnfinished(resource, error, inputs);
          });
      } else {
        outputs = { ...kept, ...inputs };
      }
      response.setProperties(encode(closeSecrets(resource, outputs, inputs)));
      return response;
    }),

    delete: unary<rpc.DeleteRequest, empty.Empty>("Delete", async (call) => {
      const { request } = call;
      const resource = resourceOf(call, request.getType(), request.getUrn());
      const outputs = revealAll(decode(request.getProperties()));
      const sent = request.getOldInputs();
      await resource.delete?.(
        request.getId(),
        { inputs: sent ? revealAll(decode(sent)) : outputs, outputs },
        operation(request.getUrn(), request.getTimeout(), call),
      );
      return new empty.Empty();
    }),

    cancel: unary<empty.Empty, empty.Empty>("Cancel", () => {
      stop.abort(stopped());
      return new empty.Empty();
    }),
  });

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });

  return {
    port,
    close: () =>
      new Promise((resolve) => {
        stop.abort(stopped());
        engine?.close();
        server.tryShutdown(() => resolve());
        // An engine that keeps its connection open without a call must not hold up the end.
        setTimeout(() => server.forceShutdown(), 30_000).unref();
      }),
  };
}

const stopped = () => new Error("stopped on request before it was done");

function unknowns(keys: readonly string[]): Properties {
  return Object.fromEntries(keys.map((key) => [key, unknown]));
}
