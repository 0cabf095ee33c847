import type { Resource } from "../resource.ts";
import { bcrypt } from "./bcrypt.ts";
import { drawn, type Inputs, wishes } from "./drawn-letters.ts";

export const randomPassword: Resource<Inputs> = {
  type: "random:index/randomPassword:RandomPassword",
  ...wishes,
  computed: ["result", "bcryptHash"],
  secrets: ["result", "bcryptHash"],

  async create(given) {
    const result = drawn(given);
    // bcrypt knows no more than 72 bytes; the real provider cuts there too.
    const hash = bcrypt(Buffer.from(result).subarray(0, 72), 10);
    const numeric = given.numeric ?? given.number ?? true;
    return {
      id: "none",
      outputs: { ...given, numeric, number: numeric, result, bcryptHash: hash },
    };
  },
};
