/** The host's note that an escrow exists. It holds no secret. */
import { z } from "zod";

/** Missing: nobody has verified an escrow yet, and the hub asks for one. */
export const ESCROW_RECORD = "/data/hub/recovery/escrow.json";

export const escrowRecordSchema = z.object({
  /** When it was verified, ISO 8601. */
  time: z.iso.datetime(),
  /** Differs from the hub's own (fingerprint.ts) once its keys have changed: the escrow is out of date. */
  fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
});

export type EscrowRecord = z.output<typeof escrowRecordSchema>;

/** For `sh -s` on the host. Whole or not at all: a cut connection leaves the record as it was. */
export function recordScript(record: EscrowRecord): string {
  return [
    "set -eu",
    "mountpoint -q /data",
    `folder=${ESCROW_RECORD.replace(/\/[^/]+$/, "")}`,
    '[ -d "$folder" ] || install -d -m 0700 "$folder"',
    `printf '%s\\n' '${JSON.stringify(record)}' >"$folder/.escrow.json.new"`,
    'sync "$folder/.escrow.json.new"',
    `mv "$folder/.escrow.json.new" ${ESCROW_RECORD}`,
    // The hub stops asking at once.
    "/usr/local/sbin/aihub-recovery status >/dev/null 2>&1 || true",
    "",
  ].join("\n");
}
