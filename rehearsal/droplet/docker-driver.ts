import type { DropletDriver } from "./driver.ts";
export function dockerDriver(): DropletDriver {
  throw new Error("later");
}
