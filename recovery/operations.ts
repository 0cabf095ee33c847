/** The operations that change data, and can be cut off. */
import { type RegisteredKind, registered } from "./operation.ts";
import { restoreFilesKind } from "./restore/restore-files.ts";
import { restoreKind } from "./restore/restore-hub.ts";
import { upgradeKind } from "./upgrade/operation.ts";

export const operationKinds: readonly RegisteredKind[] = [
  registered(restoreKind),
  registered(restoreFilesKind),
  registered(upgradeKind),
];
