import { describe, expect, it } from "vitest";
import { questionOf } from "../../../hub-server/gate/question.ts";

const asked = {
  "x-gate-door": "files",
  "x-gate-method": "GET",
  "x-gate-uri": "/files/",
  "x-real-ip": "203.0.113.9",
};
const session = (cookie: string) => questionOf({ ...asked, cookie })?.session;
const password = (authorization: string) => questionOf({ ...asked, authorization })?.password;
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

describe("what nginx asks", () => {
  it.each(Object.keys(asked))("is no question without %s", (header) => {
    expect(questionOf(asked)).toBeDefined();
    expect(questionOf({ ...asked, [header]: undefined })).toBeUndefined();
    expect(questionOf({ ...asked, [header]: "" })).toBeUndefined();
  });
  it("is no question about a door that is not there", () => {
    for (const door of ["Files", "gate", "__proto__", "constructor"])
      expect(questionOf({ ...asked, "x-gate-door": door })).toBeUndefined();
  });

  it.each([
    ["token=abc.def-g_h", "abc.def-g_h"],
    ["a=b; token=abc; c=d", "abc"],
    ["token=first; token=second", "first"],
    ["xtoken=abc", undefined],
    ["Token=abc", undefined],
    ["token=", undefined],
    ["token", undefined],
    ['token="abc"', undefined],
    ["token=a b", undefined],
    ["token=a\u0000b", undefined],
    ["token=a%0d%0ab", undefined],
    [`token=${"a".repeat(5000)}`, undefined],
    ["", undefined],
  ])("finds the session in %j", (cookie, expected) => {
    expect(session(cookie)).toBe(expected);
  });

  it.each([
    [basic("me:secret"), "secret"],
    [basic(":secret"), "secret"],
    [basic("me:se:cret"), "se:cret"],
    [basic("me"), undefined],
    ["Basic", undefined],
    ["Basic !!!", undefined],
    ["Bearer abc", undefined],
  ])("finds the password in %s", (authorization, expected) => {
    expect(password(authorization)).toBe(expected);
    expect(questionOf({ ...asked, authorization })?.hasCredentials).toBe(true);
  });

  it.each([
    ["GET", "text/html,*/*", true],
    ["HEAD", "text/html", true],
    ["POST", "text/html", false],
    ["GET", "*/*", false],
    ["PROPFIND", "text/html", false],
  ])("tells a page by %s %s", (method, accept, isPage) => {
    expect(questionOf({ ...asked, "x-gate-method": method, accept })?.isPage).toBe(isPage);
  });
});
