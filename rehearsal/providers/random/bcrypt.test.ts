import { expect, test } from "vitest";
import { bcrypt } from "./bcrypt.ts";

const BASE64 = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** 16 bytes from the 22 letters that bcrypt writes them in. */
function saltOf(letters: string): Buffer {
  const bits = [...letters].map((one) => BASE64.indexOf(one).toString(2).padStart(6, "0")).join("");
  return Buffer.from(
    bits
      .slice(0, 128)
      .match(/.{8}/g)
      ?.map((byte) => Number.parseInt(byte, 2)) ?? [],
  );
}

// Published vectors of crypt_blowfish and of Go's x/crypto/bcrypt.
test.each([
  ["U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"],
  ["U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"],
  ["", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"],
  ["allmine", "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga"],
])("hashes %j as every other bcrypt does", (password, expected) => {
  const [, , cost, rest] = expected.split("$") as [string, string, string, string];
  expect(bcrypt(Buffer.from(password), Number(cost), saltOf(rest.slice(0, 22)))).toBe(expected);
});
