import { expect, test } from "vitest";
import { flagsFor } from "./runtime.ts";

test("a machine that may, runs droplets privileged", () => {
  const flags = flagsFor({ cgroupVersion: "2", privileged: true });
  expect(flags).toContain("--privileged");
  expect(flags.join(" ")).toContain("--cgroupns private");
  expect(flags.join(" ")).not.toContain("SYSTEMD_PROC_CMDLINE");
});

test("a confined machine gives every right but the one it has not", () => {
  const flags = flagsFor({ cgroupVersion: "2", privileged: false }).join(" ");
  expect(flags).not.toContain("--privileged");
  expect(flags).toContain("--cap-add ALL --cap-drop SYS_RESOURCE");
  expect(flags).toContain("/sys/fs/cgroup:/sys/fs/cgroup:rw");
});

test.each([true, false])("the old cgroup hierarchy is asked for (privileged: %j)", (privileged) => {
  const flags = flagsFor({ cgroupVersion: "1", privileged }).join(" ");
  expect(flags).toContain("SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1");
  expect(flags).toContain("--cgroupns host");
});
