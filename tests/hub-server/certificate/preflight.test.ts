import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { acmeDirectory } from "../../../hub-server/certificate/acme-directory.ts";
import { nameLookup } from "../../../hub-server/certificate/name-lookup.ts";
import { preflight } from "../../../hub-server/certificate/preflight.ts";
import { type NameServer, startNameServer, type Zone } from "./name-server.ts";

const hostName = "hub.deep.example";
let webroot: string;
let names: NameServer;
let hub: Server;
let answer: RequestListener;
let hosts: (string | undefined)[];

/** As nginx does. */
const serves: RequestListener = async (request, response) => {
  hosts.push(request.headers.host);
  response.end(await readFile(join(webroot, request.url ?? "")).catch(() => "nothing"));
};

beforeAll(async () => {
  webroot = await mkdtemp(join(tmpdir(), "aihub-webroot-"));
  names = await startNameServer({});
  hub = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => hub.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  names.close();
  hub.close();
  await rm(webroot, { recursive: true });
});
beforeEach(() => {
  answer = serves;
  hosts = [];
  names.zone = { [hostName]: { a: ["127.0.0.1"] } };
});

const look = (
  server = "https://ca.example/directory",
  caaIdentities = ["ca.example"],
  trial = false,
) =>
  preflight({
    ...{ hostName, server, webroot, trial },
    port: (hub.address() as AddressInfo).port,
    directory: async () => ({ caaIdentities }),
    lookup: nameLookup(names.address),
  });

describe("the look before an order", () => {
  it("finds nothing when all is well, and leaves nothing behind", async () => {
    expect(await look()).toBeUndefined();
    expect(hosts).toEqual([hostName]);
    expect(await readdir(join(webroot, ".well-known/acme-challenge"))).toEqual([]);
  });

  it("leaves silence to the trial where one comes, and nothing else", {
    timeout: 40_000,
  }, async () => {
    answer = () => {};
    expect(await look()).toMatchObject({ at: "http", what: expect.stringMatching(/no answer/) });
    expect(await look(undefined, undefined, true)).toBeUndefined();
    answer = (_request, response) => response.writeHead(404).end();
    expect(await look(undefined, undefined, true)).toMatchObject({ at: "http" });
  });

  it("knows names that end in localhost from its name server", async () => {
    names.zone = { "hub.localhost": { a: ["192.0.2.7"] } };
    expect(await nameLookup(names.address).addresses("hub.localhost")).toEqual(["192.0.2.7"]);
  });

  it("finds that the ACME server is down", async () => {
    const closed = "https://127.0.0.1:1/directory";
    const found = await preflight({
      ...{ hostName, server: closed, webroot, lookup: nameLookup(names.address) },
      directory: () => acmeDirectory(closed, ""),
    });
    expect(found).toMatchObject({ at: "server" });
    expect(found?.what).toMatch(/127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/);
  });

  it.each<[string, Zone, RegExp]>([
    ["has no such name", {}, /no address for hub\.deep\.example/],
    ["has no address", { [hostName]: {} }, /no address/],
    ["fails", { [hostName]: "fails" }, /gives no answer/],
  ])("finds that the DNS %s", async (_what, zone, message) => {
    names.zone = zone;
    const found = await look();
    expect(found).toMatchObject({ at: "dns" });
    expect(found?.what).toMatch(message);
    expect(hosts).toEqual([]);
  });

  it("finds that an address leads to nobody", async () => {
    names.zone = { [hostName]: { a: ["127.0.0.1", "127.66.0.9"] } };
    const found = await look();
    expect(found).toMatchObject({ at: "http" });
    expect(found?.what).toMatch(/at 127\.66\.0\.9, port \d+, is not this hub/);
    expect(found?.fix).toMatch(/A record of hub\.deep\.example/);
  });

  it.each<[string, RequestListener, RegExp]>([
    ["other content", (_request, response) => void response.end("hello"), /other content/],
    ["a refusal", (_request, response) => void response.writeHead(404).end(), /answers 404/],
    [
      "another host",
      (_request, response) =>
        void response.writeHead(302, { Location: "https://evil.example/" }).end(),
      /answers 302 and leads to https:\/\/evil\.example/,
    ],
    ["no answer", (request) => void request.socket.destroy(), /socket hang up/],
    ["no end", (_request, response) => void response.end("x".repeat(100_000)), /no end|aborted/],
  ])("finds %s where the hub should be", async (_what, listener, message) => {
    answer = listener;
    const found = await look();
    expect(found).toMatchObject({ at: "http" });
    expect(found?.what).toMatch(message);
  });
});

describe("CAA records", () => {
  const issue = (value: string) => ({ caa: [[0, "issue", value]] as [number, string, string][] });
  const own = { a: ["127.0.0.1"] };
  const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";

  it.each<[string, Zone]>([
    ["the CA itself", { [hostName]: { ...own, ...issue("ca.example") } }],
    ["the CA above", { [hostName]: own, "deep.example": issue("ca.example") }],
    [
      "the CA at the name, others above",
      { [hostName]: { ...own, ...issue("CA.example; x=y") }, example: issue("other.example") },
    ],
    ["wildcards only", { [hostName]: { ...own, caa: [[0, "issuewild", ";"]] } }],
    [
      "this way",
      { [hostName]: { ...own, ...issue("ca.example; validationmethods=dns-01,http-01") } },
    ],
  ])("that speak of %s let it issue", async (_what, zone) => {
    names.zone = zone;
    expect(await look()).toBeUndefined();
  });

  it.each<[string, Zone]>([
    ["another", { [hostName]: { ...own, ...issue("other.example") } }],
    [
      "another, two above",
      { [hostName]: own, "deep.example": own, example: issue("other.example") },
    ],
    ["nobody", { [hostName]: own, "deep.example": issue(";") }],
    ["another way", { [hostName]: { ...own, ...issue("ca.example; validationmethods=dns-01") } }],
    [
      "what it must know",
      {
        [hostName]: {
          ...own,
          caa: [
            [128, "future", "x"],
            [0, "issue", "ca.example"],
          ],
        },
      },
    ],
    ["nothing, as the server fails", { [hostName]: own, "deep.example": "fails" }],
  ])("that speak of %s stop it before the hub is asked", async (_what, zone) => {
    names.zone = zone;
    expect(await look()).toMatchObject({ at: "caa" });
    expect(hosts).toEqual([]);
  });

  it("know Let's Encrypt by its name, and the message has the record to add", async () => {
    names.zone = { [hostName]: { ...own, ...issue("letsencrypt.org") } };
    expect(await look(letsEncrypt, [])).toBeUndefined();
    names.zone = { [hostName]: own, example: issue("pki.example") };
    expect(await look(letsEncrypt, [])).toEqual({
      at: "caa",
      what: 'CAA records of example do not let acme-v02.api.letsencrypt.org issue for hub.deep.example: issue "pki.example".',
      fix: 'Add to example: CAA 0 issue "letsencrypt.org".',
    });
  });
});
