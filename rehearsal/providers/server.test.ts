/** The gRPC surface, spoken to as the engine speaks. */
import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import type plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import rpc from "@pulumi/pulumi/proto/provider_pb.js";
import statusRpc from "@pulumi/pulumi/proto/status_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { type Operation, type Resource, UnfinishedObject } from "./resource.ts";
import { type RunningProvider, serveProvider } from "./server.ts";
import type { Properties } from "./wire.ts";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const secret = (value: unknown) => ({
  [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270",
  value,
});
const output = (more: object) => ({ [SIGNATURE]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", ...more });
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const URN = "urn:pulumi:dev::project::demo:index:Box::box";

const inputs = z.strictObject({
  name: z.string(),
  colour: z.string(),
  size: z.number().optional(),
  tags: z.array(z.string()).optional(),
  lid: z.strictObject({ hinges: z.number() }).optional(),
  deep: z.array(z.strictObject({ word: z.string() })).optional(),
  source: z.unknown().optional(),
});
type Inputs = z.infer<typeof inputs>;

let seen: { inputs?: Properties; operation?: Operation; id?: string; aborted?: boolean };
let found: Properties | undefined;

const box: Resource<Inputs> = {
  type: "demo:index:Box",
  inputs,
  replaceOn: ["colour"],
  unordered: ["tags"],
  autoname: true,
  defaults: { size: 1 },
  computed: ["serial", "key"],
  changing: ["serial"],
  secrets: ["key"],
  check: ({ size }) =>
    typeof size === "number" && size > 9 ? [{ property: "size", reason: "too big" }] : [],
  async create(given, operation) {
    seen = { inputs: given, operation, aborted: operation.signal.aborted };
    if (given.colour === "broken") throw new Error("no broken boxes");
    if (given.colour === "half") {
      throw new UnfinishedObject("7", { ...given, serial: 1 }, "only half a box");
    }
    if (given.colour === "slow") {
      await new Promise((_, reject) => {
        operation.signal.addEventListener("abort", () => reject(operation.signal.reason));
      });
    }
    return { id: "7", outputs: { ...given, serial: 1, key: "k" } };
  },
  read: async () => found,
  async update(id, given) {
    seen = { id, inputs: given };
    return { ...given, serial: 2, key: "k" };
  },
  async delete(id, old) {
    seen = { id, inputs: old.inputs };
  },
};

let server: RunningProvider;
let client: InstanceType<typeof providerGrpc.ResourceProviderClient>;

beforeAll(async () => {
  server = await serveProvider(() => {
    let configured: Properties = {};
    return {
      name: "demo",
      version: "1.2.3",
      configKeys: ["token"],
      configure(config) {
        configured = config;
      },
      resources: [box],
      functions: [
        { token: "demo:index:echo", call: async (args) => args },
        { token: "demo:index:configured", call: async () => configured },
      ],
    };
  });
  client = new providerGrpc.ResourceProviderClient(
    `127.0.0.1:${server.port}`,
    credentials.createInsecure(),
  );
});
afterAll(async () => {
  client.close();
  await server.close();
});
beforeEach(() => {
  seen = {};
  found = undefined;
});

type Fields = Record<string, unknown>;
const toStruct = (fields: Fields) =>
  struct.Struct.fromJavaScript(fields as Parameters<typeof struct.Struct.fromJavaScript>[0]);

/** Calls by promise; the answer's type has to be named, since the client's methods are overloaded. */
function ask<Answer>(
  call: (done: (error: ServiceError | null, answer: Answer) => void) => unknown,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    call((error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

async function check(news: Fields, olds: Fields = {}) {
  const request = new rpc.CheckRequest();
  request.setUrn(URN);
  request.setNews(toStruct(news));
  request.setOlds(toStruct(olds));
  const answer = await ask<rpc.CheckResponse>((done) => client.check(request, done));
  return {
    inputs: answer.getInputs()?.toJavaScript() as Fields,
    failures: answer.getFailuresList().map((one) => `${one.getProperty()}: ${one.getReason()}`),
  };
}

async function diff(old: Fields, next: Fields) {
  const request = new rpc.DiffRequest();
  request.setUrn(URN);
  request.setId("7");
  request.setOlds(toStruct({ ...old, serial: 1 }));
  request.setOldInputs(toStruct(old));
  request.setNews(toStruct(next));
  const answer = await ask<rpc.DiffResponse>((done) => client.diff(request, done));
  const kinds = Object.entries(rpc.PropertyDiff.Kind);
  return {
    changes: answer.getChanges() === rpc.DiffResponse.DiffChanges.DIFF_SOME,
    replaces: answer.getReplacesList(),
    deleteFirst: answer.getDeletebeforereplace(),
    detail: Object.fromEntries(
      [...answer.getDetaileddiffMap().entries()].map(([path, one]: [string, rpc.PropertyDiff]) => [
        path,
        kinds.find(([, kind]) => kind === one.getKind())?.[0],
      ]),
    ),
  };
}

async function create(properties: Fields, preview = false) {
  const request = new rpc.CreateRequest();
  request.setUrn(URN);
  request.setProperties(toStruct(properties));
  request.setPreview(preview);
  request.setTimeout(12);
  const answer = await ask<rpc.CreateResponse>((done) => client.create(request, done));
  return { id: answer.getId(), outputs: answer.getProperties()?.toJavaScript() as Fields };
}

test("each connection has a provider of its own, so that two configurations stay apart", async () => {
  const other = new providerGrpc.ResourceProviderClient(
    `127.0.0.1:${server.port}`,
    credentials.createInsecure(),
    // Connections are shared by default; the engine's are not.
    { "grpc.use_local_subchannel_pool": 1 },
  );
  const configure = (by: typeof client, token: string) => {
    const request = new rpc.ConfigureRequest();
    request.setArgs(toStruct({ token }));
    return ask<rpc.ConfigureResponse>((done) => by.configure(request, done));
  };
  const configured = async (by: typeof client) => {
    const request = new rpc.InvokeRequest();
    request.setTok("demo:index:configured");
    const answer = await ask<rpc.InvokeResponse>((done) => by.invoke(request, done));
    return answer.getReturn()?.toJavaScript();
  };
  await configure(client, "one");
  await configure(other, "another");
  expect(await configured(client)).toEqual({ token: "one" });
  expect(await configured(other)).toEqual({ token: "another" });
  other.close();
});

test("tells its version, and what it can take", async () => {
  expect(
    (
      await ask<plugin.PluginInfo>((done) => client.getPluginInfo(new empty.Empty(), done))
    ).getVersion(),
  ).toBe("1.2.3");
  const hello = await ask<rpc.ProviderHandshakeResponse>((done) =>
    client.handshake(new rpc.ProviderHandshakeRequest(), done),
  );
  expect(hello.getAcceptSecrets()).toBe(true);
  const configured = await ask<rpc.ConfigureResponse>((done) =>
    client.configure(new rpc.ConfigureRequest(), done),
  );
  expect([configured.getAcceptsecrets(), configured.getSupportspreview()]).toEqual([true, true]);
});

test("says UNIMPLEMENTED for what it has not", async () => {
  const refusals = await Promise.all([
    ask<rpc.GetSchemaResponse>((done) => client.getSchema(new rpc.GetSchemaRequest(), done)).catch(
      (error: ServiceError) => error.code,
    ),
    ask<rpc.ParameterizeResponse>((done) =>
      client.parameterize(new rpc.ParameterizeRequest(), done),
    ).catch((error: ServiceError) => error.code),
    ask<rpc.ConstructResponse>((done) => client.construct(new rpc.ConstructRequest(), done)).catch(
      (error: ServiceError) => error.code,
    ),
  ]);
  expect(refusals).toEqual(Array(3).fill(status.UNIMPLEMENTED));
});

test("names the resources it has when asked for another", async () => {
  const request = new rpc.CheckRequest();
  request.setUrn("urn:pulumi:dev::project::demo:index:Crate::crate");
  request.setNews(toStruct({}));
  await expect(ask<rpc.CheckResponse>((done) => client.check(request, done))).rejects.toThrow(
    "no resource demo:index:Crate. It has: demo:index:Box",
  );
});

test("names unknown, missing and wrong inputs by their paths", async () => {
  const { failures } = await check({ name: "n", color: "red", lid: { hinge: 1 }, size: "2" });
  expect(failures.sort()).toEqual([
    "color: Invalid or unknown key. Examine values at 'color'.",
    "colour: Missing required property 'colour'",
    "lid.hinge: Invalid or unknown key. Examine values at 'lid.hinge'.",
    "lid.hinges: Missing required property 'lid.hinges'",
    expect.stringMatching(/^size: .*expected number/),
  ]);
  expect((await check({ name: "n", colour: "red", size: 10 })).failures).toEqual(["size: too big"]);
});

test("takes what is not known yet, wherever it stands", async () => {
  const { failures, inputs: checked } = await check({
    name: UNKNOWN,
    colour: output({ secret: true }),
    size: UNKNOWN,
    lid: UNKNOWN,
    deep: [{ word: UNKNOWN }, UNKNOWN],
  });
  expect(failures).toEqual([]);
  expect(checked.size).toBe(UNKNOWN);
  expect(checked.colour).toEqual(secret(UNKNOWN));
});

test("fills in defaults and a name, keeps both, and keeps secrets closed", async () => {
  const first = (await check({ colour: secret("red") })).inputs;
  expect(first).toEqual({
    colour: secret("red"),
    size: 1,
    name: expect.stringMatching(/^box-[0-9a-f]{7}$/),
  });
  expect((await check({ colour: "blue" }, first)).inputs.name).toBe(first.name);
  expect((await check({ colour: "blue" }, { name: "chosen" })).inputs.name).not.toBe("chosen");
  expect((await check({ colour: "blue", name: "chosen" }, first)).inputs.name).toBe("chosen");
});

test("finds no difference where there is none", async () => {
  const old = { name: "n", colour: "red", tags: ["a", "b"], deep: [{ word: "x" }] };
  const same = await diff(old, {
    ...old,
    tags: ["b", "a"],
    colour: secret("red"),
    deep: [{ word: output({ value: "x" }) }],
  });
  expect(same).toMatchObject({ changes: false, replaces: [], detail: {} });
});

test("tells changes by path and kind, and which of them replace", async () => {
  const changed = await diff(
    {
      name: "n",
      colour: "red",
      size: 1,
      tags: ["a", "b"],
      lid: { hinges: 1 },
      deep: [{ word: "x" }],
    },
    {
      name: "n",
      colour: "blue",
      tags: ["b", "c"],
      lid: { hinges: 2 },
      deep: [{ word: "x" }, { word: "y" }],
    },
  );
  expect(changed).toMatchObject({
    changes: true,
    replaces: ["colour"],
    deleteFirst: false,
    detail: {
      colour: "UPDATE_REPLACE",
      size: "DELETE",
      "tags[0]": "DELETE",
      "tags[1]": "ADD",
      "lid.hinges": "UPDATE",
      "deep[1]": "ADD",
    },
  });
});

test("takes what is not known yet for a change", async () => {
  const old = { name: "n", colour: "red", tags: ["a"] };
  const changed = await diff(old, { name: "n", colour: UNKNOWN, tags: [UNKNOWN] });
  expect(changed).toMatchObject({ replaces: ["colour"], detail: { tags: "UPDATE" } });
});

test("compares files by their hashes", async () => {
  const file = (hash: string, text: string) => ({
    [SIGNATURE]: "c44067f5952c0a294b673a41bacd8c17",
    hash,
    text,
  });
  const old = { name: "n", colour: "red", source: file("1", "") };
  expect((await diff(old, { ...old, source: file("1", "text") })).changes).toBe(false);
  expect((await diff(old, { ...old, source: file("2", "text") })).detail).toEqual({
    source: "UPDATE",
  });
});

test("a preview makes nothing and leaves open what only a create tells", async () => {
  const planned = await create({ name: "n", colour: secret("red") }, true);
  expect(planned).toEqual({
    id: "",
    outputs: { name: "n", colour: secret("red"), serial: UNKNOWN, key: secret(UNKNOWN) },
  });
  expect(seen).toEqual({});
});

test("opens secrets for the resource and closes them after it", async () => {
  const made = await create({ name: "n", colour: "red", lid: { hinges: secret(2) } });
  expect(seen.inputs).toEqual({ name: "n", colour: "red", lid: { hinges: 2 } });
  expect(seen.operation?.timeoutSeconds).toBe(12);
  expect(made).toEqual({
    id: "7",
    outputs: {
      name: "n",
      colour: "red",
      lid: secret({ hinges: 2 }),
      serial: 1,
      key: secret("k"),
    },
  });
});

test("an error keeps its text", async () => {
  await expect(create({ name: "n", colour: "broken" })).rejects.toMatchObject({
    code: status.UNKNOWN,
    details: "no broken boxes",
  });
});

test("an unfinished object is handed over with its id, so that nothing is orphaned", async () => {
  const error = (await create({ name: secret("n"), colour: "half" }).catch(
    (thrown: ServiceError) => thrown,
  )) as ServiceError;
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const rich = statusRpc.Status.deserializeBinary(bytes as Buffer);
  const packed = rich.getDetailsList()[0];
  expect(packed?.getTypeName()).toBe("pulumirpc.ErrorResourceInitFailed");
  const detail = rpc.ErrorResourceInitFailed.deserializeBinary(
    packed?.getValue_asU8() as Uint8Array,
  );
  expect(detail.getId()).toBe("7");
  expect(detail.getReasonsList()).toEqual(["only half a box"]);
  expect(detail.getProperties()?.toJavaScript()).toMatchObject({ name: secret("n"), serial: 1 });
  expect(detail.getInputs()?.toJavaScript()).toMatchObject({ name: secret("n") });
});

test("Cancel ends waits, and the next run starts afresh", async () => {
  const slow = create({ name: "n", colour: "slow" });
  slow.catch(() => {});
  await expect.poll(() => seen.operation).toBeDefined();
  await ask<empty.Empty>((done) => client.cancel(new empty.Empty(), done));
  await expect(slow).rejects.toThrow("stopped on request");
  await ask<rpc.ConfigureResponse>((done) => client.configure(new rpc.ConfigureRequest(), done));
  expect((await create({ name: "n", colour: "red" })).id).toBe("7");
  expect(seen.aborted).toBe(false);
});

async function read(old: Fields, state: Fields) {
  const request = new rpc.ReadRequest();
  request.setUrn(URN);
  request.setId("7");
  request.setInputs(toStruct(old));
  request.setProperties(toStruct(state));
  const answer = await ask<rpc.ReadResponse>((done) => client.read(request, done));
  return { id: answer.getId(), inputs: answer.getInputs()?.toJavaScript() as Fields };
}

test("a refresh turns into inputs only what really changed", async () => {
  const old = { name: "n", colour: secret("RED"), tags: ["a", "b"], size: 1 };
  const state = { name: "n", colour: secret("red"), tags: ["b", "a"], size: 1, serial: 1 };
  found = { ...state, colour: "red" };
  expect(await read(old, state)).toEqual({ id: "7", inputs: old });
  found = { ...state, colour: "blue", size: 3 };
  expect((await read(old, state)).inputs).toEqual({ ...old, colour: secret("blue"), size: 3 });
  found = undefined;
  expect((await read(old, state)).id).toBe("");
});

test("an update's preview keeps what an update keeps", async () => {
  const request = new rpc.UpdateRequest();
  request.setUrn(URN);
  request.setId("7");
  request.setOldInputs(toStruct({ name: "n", colour: "red", size: 4 }));
  request.setOlds(toStruct({ name: "n", colour: "red", size: 4, serial: 1, key: secret("k") }));
  request.setNews(toStruct({ name: "m", colour: "red" }));
  request.setPreview(true);
  const planned = await ask<rpc.UpdateResponse>((done) => client.update(request, done));
  expect(planned.getProperties()?.toJavaScript()).toEqual({
    name: "m",
    colour: "red",
    serial: UNKNOWN,
    key: secret("k"),
  });
  expect(seen).toEqual({});
});

test("delete gets the inputs that were remembered", async () => {
  const request = new rpc.DeleteRequest();
  request.setUrn(URN);
  request.setId("7");
  request.setProperties(toStruct({ name: "n", serial: 1 }));
  request.setOldInputs(toStruct({ name: secret("n") }));
  await ask<empty.Empty>((done) => client.delete(request, done));
  expect(seen).toEqual({ id: "7", inputs: { name: "n" } });
});

test("functions answer, and unknown configuration is named", async () => {
  const request = new rpc.InvokeRequest();
  request.setTok("demo:index:echo");
  request.setArgs(toStruct({ word: secret("x") }));
  const answer = await ask<rpc.InvokeResponse>((done) => client.invoke(request, done));
  expect(answer.getReturn()?.toJavaScript()).toEqual({ word: "x" });
  const config = new rpc.CheckRequest();
  config.setNews(toStruct({ token: "t", tokn: "u", version: "1.2.3" }));
  const failures = (
    await ask<rpc.CheckResponse>((done) => client.checkConfig(config, done))
  ).getFailuresList();
  expect(failures.map((one) => one.getProperty())).toEqual(["tokn"]);
});
