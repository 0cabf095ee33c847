/** Files that the chat's database refers to: rows of its table `file`, and where they lie on the host. */
import { posix } from "node:path";

/** What to ask of a dump. */
export const UPLOADS = "public.file";
export const UPLOAD_COLUMNS: readonly string[] = ["id", "path"];

/** Where Open WebUI has the folder that is `open-webui` of the volume. */
const IN_CONTAINER = "/app/backend/data";

/**
 * Where an upload lies on the host, from `path` of its row. Undefined for those that have no file here: nothing but text,
 * or kept by S3, Google or Azure (`s3://`, `gs://`, `https://`). A path that leads out of the volume is given as it is.
 */
export function uploadOf(path: string | null, data = "/data"): string | undefined {
  if (path === null || path === "" || /^[a-z][a-z0-9+.-]*:\/\//i.test(path)) return undefined;
  // Paths that are not absolute are of Open WebUI's own folder, one above its data.
  const absolute = posix.resolve(posix.dirname(IN_CONTAINER), path);
  return absolute.startsWith(`${IN_CONTAINER}/`)
    ? posix.join(data, "open-webui", absolute.slice(IN_CONTAINER.length))
    : absolute;
}

/** What is in the table now, as a JSON array of paths: dumping takes its time, and files are deleted meanwhile. */
export const PATHS_NOW = `SELECT coalesce(json_agg(path), '[]') FROM ${UPLOADS} WHERE path IS NOT NULL;`;

export interface MissingUpload {
  path: string;
  why: "missing" | "empty" | "outside the volume";
}

/** `sizes`: bytes of the files that are there, by their path on the host. Open WebUI takes no empty uploads. */
export function missingUploads(
  uploads: Iterable<string>,
  sizes: ReadonlyMap<string, number>,
  data = "/data",
): MissingUpload[] {
  const missing: MissingUpload[] = [];
  for (const path of uploads) {
    const size = sizes.get(path);
    if (!path.startsWith(`${data}/`)) missing.push({ path, why: "outside the volume" });
    else if (size === undefined) missing.push({ path, why: "missing" });
    else if (size === 0) missing.push({ path, why: "empty" });
  }
  return missing;
}
