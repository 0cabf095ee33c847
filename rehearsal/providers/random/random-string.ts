import type { Resource } from "../resource.ts";
import { drawn, type Inputs, wishes } from "./drawn-letters.ts";

export const randomString: Resource<Inputs> = {
  type: "random:index/randomString:RandomString",
  ...wishes,
  computed: ["result"],

  async create(given) {
    const result = drawn(given);
    const numeric = given.numeric ?? given.number ?? true;
    return { id: result, outputs: { ...given, numeric, number: numeric, result } };
  },
};
