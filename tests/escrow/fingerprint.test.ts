import { expect, it } from "vitest";
import { fingerprintOf } from "../../escrow/fingerprint.ts";
import { contents } from "./example.ts";

const { repository, copy } = contents;

it("changes with whatever opens the backups, and with nothing else", () => {
  const now = fingerprintOf(contents);
  expect(now).toMatch(/^[0-9a-f]{16}$/);
  expect(fingerprintOf({ ...contents, made: "2027-01-01T00:00:00Z", settings: {} } as never)).toBe(
    now,
  );
  const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" } = repository.access;
  const turned = { AWS_SECRET_ACCESS_KEY, AWS_ACCESS_KEY_ID };
  expect(fingerprintOf({ repository: { ...repository, access: turned }, copy })).toBe(now);
  const others = [
    { repository },
    { repository: { ...repository, location: `${repository.location}/x` }, copy },
    { repository: { ...repository, password: "other" }, copy },
    { repository: { ...repository, access: { ...turned, AWS_ACCESS_KEY_ID: "other" } }, copy },
    { repository, copy: { ...repository } },
  ].map(fingerprintOf);
  expect(new Set([now, ...others]).size).toBe(others.length + 1);
});
