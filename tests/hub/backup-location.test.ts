import { expect, test } from "vitest";
import { knownHostsLine, parseLocation } from "../../hub/backup-location.ts";

test("of each kind is taken apart", () => {
  expect(parseLocation("s3:https://fra1.example.com/bucket")).toMatchObject({
    kind: "s3",
    endpoint: "https://fra1.example.com",
    bucket: "bucket",
    prefix: "",
  });
  expect(parseLocation("s3:http://127.0.0.2:9000/my.bucket/hub/one/")).toMatchObject({
    endpoint: "http://127.0.0.2:9000",
    bucket: "my.bucket",
    prefix: "hub/one",
  });
  expect(parseLocation("sftp:backup@box.example.com:/hub")).toMatchObject({
    kind: "sftp",
    user: "backup",
    host: "box.example.com",
    port: 22,
    path: "/hub",
  });
  expect(parseLocation("sftp://backup@box.example.com:23//home/hub")).toMatchObject({
    port: 23,
    path: "/home/hub",
  });
  expect(parseLocation("/mnt/backup disk".replace(" ", "-"))).toMatchObject({ kind: "folder" });
});

test.each([
  "",
  "backups",
  "/",
  "/a/../b",
  "/a b",
  "s3:bucket",
  "s3:ftp://host/bucket",
  "s3:https://host",
  "s3:https://host/UPPER",
  "s3:https://host/bucket//x",
  "s3:https://key:secret@host/bucket",
  "sftp:host:/path",
  "sftp:user@host:relative",
  "sftp:-oProxyCommand=x@host:/path",
  "sftp:user@-oProxyCommand=x:/path",
  "sftp://user@host:99999//path",
  "sftp://user@host/relative",
  "rest:https://host/x",
  "s3:https://host/bucket\nx",
])("%j is refused, with the forms that are taken", (text) => {
  expect(() => parseLocation(text)).toThrow(/fix: .*s3:https:/);
});

test("a password in it is not repeated", () => {
  expect(() => parseLocation("s3:https://key:hunter2@host/bucket")).toThrow(/^(?!.*hunter2)/s);
});

test("a pinned host key names the host as ssh looks it up", () => {
  const key = "ssh-ed25519 AAAA";
  expect(knownHostsLine("sftp:backup@box.example.com:/hub", key)).toBe(`box.example.com ${key}`);
  expect(knownHostsLine("sftp://backup@box.example.com:23//hub", key)).toBe(
    `[box.example.com]:23 ${key}`,
  );
  expect(knownHostsLine("s3:https://fra1.example.com/bucket", key)).toBeUndefined();
});
