import { HOST_FOLDER } from "../render/release.ts";

/**
 * Puts the secrets that arrive on standard input (base64 of a gzipped tar, see `render/secrets.ts`) where services
 * mount them. Nothing of them is in the command's text, and no file is ever readable by others.
 */
export function installSecrets(): string {
  return [
    "set -eu",
    "umask 077",
    `cd ${HOST_FOLDER}/secrets`,
    "rm -rf .incoming",
    "mkdir .incoming",
    "timeout 60 base64 -d | tar -xz --same-owner -C .incoming",
    // A folder's name is the digest of its content: what is there already stays, for it may be mounted.
    'for folder in .incoming/*/; do name=$(basename "$folder"); chmod 0755 "$folder"; [ -d "$name" ] || mv "$folder" "$name"; done',
    "mv .incoming/current.env current.env",
    "rm -rf .incoming",
  ].join("; ");
}
