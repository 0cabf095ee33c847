/** How a change of inputs is told to the engine: what differs, and what of it replaces the object. */
import rpc from "@pulumi/pulumi/proto/provider_pb.js";
import { difference, topLevel } from "./difference.ts";
import type { Resource } from "./resource.ts";
import type { Properties } from "./wire.ts";

export function diffResponse(
  resource: Resource<Properties>,
  old: Properties,
  next: Properties,
  outputs: Properties,
): rpc.DiffResponse {
  const response = new rpc.DiffResponse();
  const changes = difference(old, next, resource.unordered ?? []);
  const replacing = new Set([
    ...(resource.replaceOn ?? []),
    ...(resource.replacesFor?.(old, next) ?? []),
  ]);
  const expired = resource.expired?.(outputs) ?? [];
  const kinds = rpc.PropertyDiff.Kind;
  const add = (path: string, kind: rpc.PropertyDiff.Kind, input: boolean) => {
    const property = new rpc.PropertyDiff();
    property.setKind(kind);
    property.setInputdiff(input);
    response.getDetaileddiffMap().set(path, property);
  };
  for (const [path, change] of changes) {
    const replace = replacing.has(topLevel(path));
    const kind = {
      add: replace ? kinds.ADD_REPLACE : kinds.ADD,
      delete: replace ? kinds.DELETE_REPLACE : kinds.DELETE,
      update: replace ? kinds.UPDATE_REPLACE : kinds.UPDATE,
    }[change];
    add(path, kind, true);
  }
  for (const path of expired) add(path, kinds.UPDATE_REPLACE, false);
  const changed = [...new Set([...changes.keys()].map(topLevel))];
  response.setHasdetaileddiff(true);
  response.setDiffsList([...changed, ...expired]);
  response.setReplacesList([...changed.filter((key) => replacing.has(key)), ...expired]);
  response.setChanges(
    changes.size + expired.length > 0
      ? rpc.DiffResponse.DiffChanges.DIFF_SOME
      : rpc.DiffResponse.DiffChanges.DIFF_NONE,
  );
  return response;
}
