/** Names of programs, as strangers write them, where people and files read them; and addresses that are fetched for them. */
import { expect, it } from "vitest";
import { clientName } from "../../../hub-server/oauth/client-name.ts";
import { tokenName } from "../../../hub-server/oauth/granted-tokens.ts";
import {
  isPublicAddress,
  publicFetch,
  publicLookup,
} from "../../../hub-server/oauth/public-fetch.ts";

it.each([
  ["Claude", "claude"],
  ["  Visual Studio Code (Insiders) ", "visual-studio-code-insiders"],
  ["Éditeur", "e-diteur"],
  ["日本語", "client"],
  ["../../etc/passwd\n", "etc-passwd"],
  ["x".repeat(500), "x".repeat(32)],
  ["", "client"],
])("a token of %j is named by %s", (client, slug) => {
  const name = tokenName(client, "grant");
  expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
  expect(name.slice(0, -11)).toBe(`oauth-${slug}`);
});

it("a program is shown on one line, whatever it calls itself", () => {
  expect(clientName(" A\u202eB\n\tC\u200b ", "id")).toBe("A B C");
  expect(clientName("x".repeat(99), "id")).toHaveLength(60);
  expect(clientName("\u200b", "https://program.example/c.json")).toBe("program.example");
  expect(clientName(undefined, "id")).toBe("A program without a name");
});

it.each([
  "127.0.0.1",
  "10.1.2.3",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "0.0.0.0",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::127.0.0.1",
  "64:ff9b::7f00:1",
  "fe80::1",
  "fc00::1",
  "fd12::1",
  "ff02::1",
  "2001:db8::1",
  "2002:7f00:1::",
  "localhost",
  "",
])("%s is inside", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

it.each(["1.1.1.1", "172.32.0.1", "2606:4700:4700::1111"])("%s is outside", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

it("a name with one address inside is not looked up", async () => {
  const resolve = ((_name: string, _options: object, done: (error: null, all: object[]) => void) =>
    done(null, [
      { address: "1.1.1.1", family: 4 },
      { address: "10.0.0.1", family: 4 },
    ])) as never;
  await expect(publicFetch("https://program.example/c", {}, publicLookup(resolve))).rejects.toThrow(
    "program.example is not on the internet",
  );
});
