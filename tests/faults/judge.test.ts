import { describe, expect, it } from "vitest";
import { type Attempt, contentOf, digestOf } from "../../rehearsal/faults/attempt.ts";
import {
  type Found,
  judge,
  LOG_BEGIN,
  LOG_END,
  MESSAGE_LINES,
} from "../../rehearsal/faults/judge.ts";

const nothing: Found = { files: {}, lines: [LOG_BEGIN, LOG_END], chats: [], strange: [] };

function attempt(
  token: string,
  outcome: Attempt["outcome"],
  target: Attempt["target"] = { kind: "file" },
  words = "",
): Attempt {
  const writer = target.kind === "chat" || target.kind === "message" ? "chat" : "mcp";
  return { ...{ writer, token, target, outcome, words }, began: 0, ended: 1 };
}
const whole = (token: string) => digestOf(contentOf(token));

describe("a file", () => {
  it("that was acknowledged is there, whole", () => {
    const verdict = judge([attempt("f-1", "acknowledged")], {
      ...nothing,
      files: { "f-1.txt": whole("f-1") },
    });
    expect(verdict).toMatchObject({
      acknowledged: { mcp: 1, chat: 0 },
      there: { mcp: 1, chat: 0 },
      ...{ lost: [], halfStates: [] },
    });
  });

  it("that was acknowledged and is away is lost", () => {
    const verdict = judge([attempt("f-1", "acknowledged")], nothing);
    expect(verdict.lost).toEqual(["f-1: there 0 times"]);
    expect(verdict.there.mcp).toBe(0);
  });

  it("that is not whole is a half state, acknowledged or not", () => {
    for (const outcome of ["acknowledged", "refused", "cut-off"] as const) {
      const files = { "f-1.txt": digestOf(contentOf("f-1").slice(0, 500)) };
      const verdict = judge([attempt("f-1", outcome)], { ...nothing, files });
      expect(verdict.halfStates).toEqual([`f-1 (${outcome}): the file is not whole`]);
      expect(verdict.there.mcp).toBe(0);
    }
  });

  it("that was cut off may be there or not", () => {
    for (const files of [{}, { "f-1.txt": whole("f-1") }] as Found["files"][]) {
      const verdict = judge([attempt("f-1", "cut-off")], { ...nothing, files });
      expect(verdict).toMatchObject({ cutOff: 1, refused: 0, lost: [], halfStates: [] });
    }
  });

  it("that nobody asked for is a half state", () => {
    expect(judge([], { ...nothing, strange: ["p/.f-1.tmp"] }).halfStates).toEqual([
      "p/.f-1.tmp: nobody asked for it",
    ]);
  });
});

describe("a line", () => {
  const line = (outcome: Attempt["outcome"]) => attempt("l-1", outcome, { kind: "line" });

  it("that is there twice is not there as it was acknowledged", () => {
    const found = { ...nothing, lines: [LOG_BEGIN, "l-1", "l-1", LOG_END] };
    expect(judge([line("acknowledged")], found).lost).toEqual(["l-1: there 2 times"]);
    expect(judge([line("cut-off")], found).halfStates).toEqual(["l-1 (cut-off): there 2 times"]);
  });

  it("is one that somebody wrote, and the file ends as it did", () => {
    const found = { ...nothing, lines: [LOG_BEGIN, "l-1", "l-", "l-"] };
    expect(judge([line("acknowledged")], found).halfStates).toEqual([
      'the log ends with "l-"',
      'the log has a line "l-" of nobody',
    ]);
  });
});

describe("a chat", () => {
  const chat = (messages: string[], inJson = "c-1") => ({
    ...nothing,
    chats: [{ id: "1", title: "c-1", inJson, messages }],
  });
  const message = contentOf("c-2", MESSAGE_LINES);
  const attempts = [
    attempt("c-1", "acknowledged", { kind: "chat" }),
    attempt("c-2", "acknowledged", { kind: "message", chat: "c-1" }),
  ];

  it("is there with its message", () => {
    expect(judge(attempts, chat([message]))).toMatchObject({
      ...{ there: { mcp: 0, chat: 2 }, lost: [], halfStates: [] },
    });
  });

  it("without its message has lost it", () => {
    expect(judge(attempts, chat([])).lost).toEqual(["c-2: there 0 times"]);
  });

  it("with a part of it, or another title in its JSON, is a half state", () => {
    expect(judge(attempts, chat([message.slice(0, -9)])).halfStates).toEqual([
      "c-2 (acknowledged): the message is not whole",
    ]);
    expect(judge(attempts, chat([message], "New Chat")).halfStates).toEqual([
      'c-1 (acknowledged): the chat calls itself "New Chat"',
    ]);
  });
});

it("counts the same words of different refusals once", () => {
  const words = (token: string) => `"faults-x/${token}.txt" does not fit: the disk is full.`;
  const { refused, words: said } = judge(
    ["f-abcdefgh-1", "f-abcdefgh-2"].map((token) =>
      attempt(token, "refused", { kind: "file" }, words(token)),
    ),
    nothing,
  );
  expect(refused).toBe(2);
  expect(said).toEqual([
    { words: '"faults-x/…" does not fit: the disk is full.', times: 2, clear: true },
  ]);
});
