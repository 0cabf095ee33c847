import { randomBytes as draw } from "node:crypto";
import { z } from "zod";
import type { Resource } from "../resource.ts";

const inputs = z.strictObject({
  keepers: z.record(z.string(), z.string()).optional(),
  length: z.int().min(1, "length must be at least 1"),
});

export const randomBytes: Resource<z.infer<typeof inputs>> = {
  type: "random:index/randomBytes:RandomBytes",
  inputs,
  replaceOn: Object.keys(inputs.shape),
  computed: ["base64", "hex"],
  secrets: ["base64", "hex"],

  async create(given) {
    const bytes = draw(given.length);
    return {
      id: "none",
      outputs: { ...given, base64: bytes.toString("base64"), hex: bytes.toString("hex") },
    };
  },
};
