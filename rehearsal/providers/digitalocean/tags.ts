import type { Api } from "./api.ts";

/** Takes tags off an object and puts others on; a tag that does not exist yet is made first. */
export async function changeTags(
  api: Api,
  object: { id: string; type: "droplet" | "volume" },
  old: readonly string[] | undefined,
  next: readonly string[] | undefined,
): Promise<void> {
  const resources = [{ resource_id: object.id, resource_type: object.type }];
  for (const tag of (old ?? []).filter((one) => !next?.includes(one))) {
    await api.delete(`/v2/tags/${encodeURIComponent(tag)}/resources`, { resources });
  }
  for (const tag of (next ?? []).filter((one) => !old?.includes(one))) {
    await api.post("/v2/tags", { name: tag });
    await api.post(`/v2/tags/${encodeURIComponent(tag)}/resources`, { resources });
  }
}
