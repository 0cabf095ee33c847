import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Failure, Resource } from "../resource.ts";
import { Archive, Asset, type Properties, unknown } from "../wire.ts";
import { connection, withConnection } from "./connection.ts";
import { copy } from "./copy.ts";

const inputs = z.strictObject({
  connection,
  remotePath: z.string(),
  source: z.union([z.instanceof(Asset), z.instanceof(Archive)]),
  triggers: z.array(z.unknown()).optional(),
});
type Inputs = z.infer<typeof inputs>;

export const copyToRemote: Resource<Inputs> = {
  type: "command:remote:CopyToRemote",
  inputs,
  replaceOn: ["triggers"],
  computed: [],
  secrets: ["connection"],
  check: checkSource,

  async create(given, operation) {
    await withConnection(given.connection, operation, (client) =>
      copy(client, given.source, given.remotePath),
    );
    return { id: randomBytes(4).toString("hex"), outputs: { ...given } };
  },

  async update(_id, given, old, operation) {
    const before = old.outputs as Partial<Inputs>;
    if (given.source.hash !== before.source?.hash || given.remotePath !== before.remotePath) {
      await withConnection(given.connection, operation, (client) =>
        copy(client, given.source, given.remotePath),
      );
    }
    return { ...given };
  },
};

/** Version 1.2.1 takes files, directories and text; nothing from the network, no archive put together by hand. */
function checkSource({ source }: Properties): Failure[] {
  if (source === unknown) return [];
  if (source instanceof Asset && source.path === undefined && source.uri !== undefined) {
    return [{ property: "asset", reason: "asset must be a path-based file asset or a text asset" }];
  }
  if (source instanceof Archive && source.path === undefined) {
    return [{ property: "archive", reason: "archive must be a path to a file or directory" }];
  }
  return [];
}
