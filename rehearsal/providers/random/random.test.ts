import { expect, test } from "vitest";
import { operationUnderTest } from "../operation-under-test.ts";
import { randomBytes } from "./random-bytes.ts";
import { randomPassword } from "./random-password.ts";
import { randomString } from "./random-string.ts";

const password = async (inputs: Parameters<typeof randomPassword.create>[0]) =>
  String((await randomPassword.create(inputs, operationUnderTest())).outputs.result);

test("a password has the length and the letters that were asked for", async () => {
  expect(await password({ length: 200 })).toMatch(/^[a-zA-Z0-9!@#$%&*()\-_=+[\]{}<>:?]{200}$/);
  expect(await password({ length: 200, special: false })).toMatch(/^[a-zA-Z0-9]{200}$/);
  expect(await password({ length: 50, special: false, upper: false, numeric: false })).toMatch(
    /^[a-z]{50}$/,
  );
  expect(
    await password({
      length: 50,
      lower: false,
      upper: false,
      number: false,
      overrideSpecial: "-_",
    }),
  ).toMatch(/^[-_]{50}$/);
});

test("a password holds at least what was asked for of each kind", async () => {
  for (let round = 0; round < 20; round++) {
    const result = await password({
      length: 8,
      minLower: 2,
      minUpper: 2,
      minNumeric: 2,
      minSpecial: 2,
    });
    expect(result.replace(/[^a-z]/g, "")).toHaveLength(2);
    expect(result.replace(/[^A-Z]/g, "")).toHaveLength(2);
    expect(result.replace(/[^0-9]/g, "")).toHaveLength(2);
  }
  expect(randomPassword.check?.({ length: 3, minLower: 2, minUpper: 2 }, undefined)).toEqual([
    { property: "length", reason: expect.stringContaining("less than the 4") },
  ]);
  const none = { length: 3, lower: false, upper: false, numeric: false, special: false };
  await expect(password(none)).rejects.toThrow("At least one");
});

test("two passwords differ, and the hash is of this one", async () => {
  const one = (await randomPassword.create({ length: 32 }, operationUnderTest())).outputs;
  const other = (await randomPassword.create({ length: 32 }, operationUnderTest())).outputs;
  expect(one.result).not.toBe(other.result);
  expect(one.bcryptHash).toMatch(/^\$2a\$10\$[./A-Za-z0-9]{53}$/);
  expect(one.bcryptHash).not.toBe(other.bcryptHash);
});

test("bytes come in both spellings", async () => {
  const { outputs } = await randomBytes.create({ length: 33 }, operationUnderTest());
  expect(outputs.hex).toMatch(/^[0-9a-f]{66}$/);
  expect(Buffer.from(String(outputs.hex), "hex").toString("base64")).toBe(outputs.base64);
});

test("a string is drawn likewise, and is no secret", async () => {
  const wish = { length: 40, special: false, upper: false };
  const { id, outputs } = await randomString.create(wish, operationUnderTest());
  expect(id).toMatch(/^[a-z0-9]{40}$/);
  expect(outputs.result).toBe(id);
  expect(randomString.secrets).toBeUndefined();
});
