import { describe, expect, it } from "vitest";
import { missingUploads, uploadOf } from "../../../recovery/point/referenced-files.ts";

describe("an upload's path", () => {
  it.each([
    ["/app/backend/data/uploads/1-2_a b.pdf", "/data/open-webui/uploads/1-2_a b.pdf"],
    ["/app/backend/data/uploads/../uploads/x", "/data/open-webui/uploads/x"],
    // DATA_DIR as Open WebUI's own default spells it, from its folder.
    ["data/uploads/x", "/data/open-webui/uploads/x"],
    ["/app/backend/data-of-others/x", "/app/backend/data-of-others/x"],
    ["/app/backend/data/../../../etc/passwd", "/etc/passwd"],
    ["s3://bucket/x", undefined],
    ["gs://bucket/x", undefined],
    ["https://account.blob.core.windows.net/container/x", undefined],
    ["", undefined],
    [null, undefined],
  ])("%j lies at %j", (path, host) => {
    expect(uploadOf(path)).toBe(host);
  });

  it("lies on another volume where there is one", () => {
    expect(uploadOf("/app/backend/data/uploads/x", "/mnt/v")).toBe("/mnt/v/open-webui/uploads/x");
  });
});

it("uploads are missing, empty, or outside", () => {
  const uploads = ["/data/open-webui/a", "/data/open-webui/b", "/data/open-webui/c", "/etc/d"];
  const sizes = new Map([
    ["/data/open-webui/a", 1],
    ["/data/open-webui/b", 0],
    ["/etc/d", 5],
  ]);
  expect(missingUploads(uploads, sizes)).toEqual([
    { path: "/data/open-webui/b", why: "empty" },
    { path: "/data/open-webui/c", why: "missing" },
    { path: "/etc/d", why: "outside the volume" },
  ]);
});
