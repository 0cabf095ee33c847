import { HOST_FOLDER } from "../render/release.ts";

/** Where a release is uploaded to. */
export function uploadPath(digest: string): string {
  return `${HOST_FOLDER}/incoming/${digest}.tar.gz.b64`;
}

/** Above the sum of the waits inside apply.sh: image fetches, the rehearsal of an upgrade, start, set-up and the way back. */
const TIMEOUT = 10_800;

/** Unpacks the uploaded release and makes the host run it; see `templates/host/apply.sh`. */
export function applyRelease(digest: string): string {
  const folder = `${HOST_FOLDER}/releases/${digest}`;
  return [
    "set -eu",
    `rm -rf ${folder}.new`,
    `mkdir -p ${folder}.new`,
    `base64 -d ${uploadPath(digest)} | tar -xz -C ${folder}.new`,
    `rm -rf ${folder}`,
    `mv ${folder}.new ${folder}`,
    `exec timeout ${TIMEOUT} ${folder}/apply.sh </dev/null`,
  ].join("; ");
}
