import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeField, MOST_OF_FIELD } from "../../../recovery/point/copy-rows.ts";
import { readSqlDump, type SqlDump, SqlDumpReader } from "../../../recovery/point/sql-dump.ts";
import { asynchronous, copyBlock, type DumpedTable, dump, encodeField, pieces } from "./dumps.ts";

type Row = [table: string, values: (string | null)[]];

function read(
  bytes: Buffer,
  columns: Record<string, string[]> = {},
  sizes = [64 * 1024],
): SqlDump & { rows: Row[] } {
  const rows: Row[] = [];
  const reader = new SqlDumpReader({
    columns,
    onRow: (table, values) => void rows.push([table, values]),
  });
  for (const piece of pieces(bytes, sizes)) reader.take(piece);
  return { ...reader.end(), rows };
}

const users: DumpedTable = {
  name: `public."user"`,
  columns: ["id", "name"],
  rows: [
    ["u1", "Ann"],
    ["u2", null],
  ],
};
const chats: DumpedTable = {
  name: "public.chat",
  columns: ["id", `"user"`, "title", "chat"],
  rows: [
    ["c1", "u1", "Tab\tand\nline", `{"a": "\\n"}`],
    ["c2", "u2", "\\.", "COPY public.chat (id) FROM stdin;"],
    ["c3", "u2", "\\N", "-- PostgreSQL database dump complete"],
    ["c4", "u1", null, ""],
  ],
};
const empty: DumpedTable = { name: "public.file", columns: ["id", "path"], rows: [] };

describe("a dump", () => {
  it("is complete, with its digest and the rows of each table", async () => {
    const bytes = dump([users, chats, empty]);
    const { flaw, ...answer } = await readSqlDump(Readable.from(pieces(bytes, [1000])));
    expect(flaw).toBeUndefined();
    expect(answer).toEqual({
      complete: true,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      bytes: bytes.length,
      tables: { "public.user": 2, "public.chat": 4, "public.file": 0 },
      absent: [],
    });
  });

  it("is complete as versions before 17.6 end it", () => {
    expect(read(dump([users], { restricted: false }))).toMatchObject({ complete: true });
  });

  it("gives wanted columns in the order asked for, whatever the fields look like", () => {
    const { rows } = read(dump([users, chats]), {
      "public.chat": ["title", "user", "id", "chat"],
    });
    expect(rows).toEqual([
      ["public.chat", ["Tab\tand\nline", "u1", "c1", `{"a": "\\n"}`]],
      ["public.chat", ["\\.", "u2", "c2", "COPY public.chat (id) FROM stdin;"]],
      ["public.chat", ["\\N", "u2", "c3", "-- PostgreSQL database dump complete"]],
      ["public.chat", [null, "u1", "c4", ""]],
    ]);
  });

  it("says which wanted columns are not there, and gives no rows of that table", () => {
    const answer = read(dump([users, chats]), {
      "public.chat": ["id", "path"],
      "public.user": ["id"],
    });
    expect(answer.absent).toEqual(["public.chat.path"]);
    expect(answer.rows.map(([table]) => table)).toEqual(["public.user", "public.user"]);
  });

  it("has names with anything in them, and tables without columns", () => {
    const answer = read(
      dump([
        {
          name: `"odd ""schema"".x"."a (b), c\nd"`,
          columns: [`"x, ""y"")"`, "z", `"line\nbreak"`],
          rows: [["1", "2", "3"]],
        },
        { name: "public.nothing", columns: [], rows: [[], [], []] },
        { name: "public.__proto__", columns: ["a"], rows: [["1"]] },
      ]),
      { 'odd "schema".x.a (b), c\nd': ["line\nbreak", 'x, "y")'] },
    );
    expect(answer).toMatchObject({ complete: true });
    expect(Object.entries(answer.tables)).toEqual([
      ['odd "schema".x.a (b), c\nd', 1],
      ["public.nothing", 3],
      ["public.__proto__", 1],
    ]);
    expect(answer.rows).toEqual([['odd "schema".x.a (b), c\nd', ["3", "1"]]]);
  });

  it("adds up the blocks of a partitioned table", () => {
    expect(read(dump([users, users])).tables).toEqual({ "public.user": 4 });
  });

  it.each([
    ["a function's body", (lines: string) => `CREATE FUNCTION f() AS $_$\n${lines}$_$;\n`],
    ["a body marked by two dollars", (lines: string) => `DO $$\n$ ${lines}$_$\n$$;\n`],
    ["a text", (lines: string) => `COMMENT ON TABLE a IS 'it''s\n${lines}';\n`],
    [
      "a text with a backslash at its end",
      (lines: string) => `COMMENT ON TABLE a IS '\\';\nCOMMENT ON TABLE a IS '\n${lines}';\n`,
    ],
    ["an escaped text", (lines: string) => `SELECT E'\\\\\\'''\n${lines}\\\\';\n`],
    ["a name", (lines: string) => `CREATE TABLE "\n${lines}" ();\n`],
    ["a comment", (lines: string) => `/* /*/ ' */\n${lines}*/ */\n`],
    ["a comment of a line", (lines: string) => `-- ' " $$ /*\n/*\n${lines}*/\n`],
    ["psql's command", (lines: string) => `\\echo ' " $$ /*\nDO $a$\n${lines}$a$;\n`],
    ["a name with a dollar", (lines: string) => `SELECT a$b$1, $1;\n/*\n${lines}*/\n`],
  ])("is not led astray by lines of a dump in %s", (_, inside) => {
    const lines = `COPY public.a (b) FROM stdin;\n-- PostgreSQL database dump complete\n--\n\n\\restrict x\n`;
    const bytes = dump([users, chats], { schema: inside(lines) });
    for (const sizes of [[100_000], [1], [3, 7]]) {
      expect(read(bytes, {}, sizes)).toMatchObject({
        complete: true,
        tables: { "public.user": 2, "public.chat": 4 },
      });
    }
  });

  it("has lines of many MiB, of which it gives the beginning", () => {
    const [before, after] = dump([
      { name: "public.chat", columns: ["id", "chat", "b"], rows: [["1", "LONG", "end"]] },
    ])
      .toString()
      .split("LONG") as [string, string];
    const { rows, complete } = read(Buffer.from(before + "x".repeat(20 * 1024 * 1024) + after), {
      "public.chat": ["b", "chat", "id"],
    });
    expect(complete).toBe(true);
    const [end, beginning, id] = rows[0]?.[1] ?? [];
    expect([end, id]).toEqual(["end", "1"]);
    expect(beginning?.length).toBe(MOST_OF_FIELD);
  });

  it.each([
    ["the field that is wanted", "id"],
    ["a field before the one that is wanted", "title"],
    ["a table of which nothing is wanted", undefined],
  ])("keeps little in memory of a line without an end, in %s", (_, column) => {
    const reader = new SqlDumpReader({
      columns: column === undefined ? {} : { "public.chat": [column] },
      onRow: () => {},
    });
    const start = copyBlock({ name: "public.chat", columns: ["id", "title"], rows: [] });
    reader.take(start.subarray(0, start.indexOf("\\.")));
    const MiB = 1024 * 1024;
    for (let n = 0; n < 300; n++) reader.take(Buffer.alloc(MiB, "x"));
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(200 * MiB);
    expect(reader.end().bytes).toBeGreaterThan(300 * MiB);
  });
});

describe("a dump that is not whole", () => {
  const whole = dump([users, empty, chats], { schema: "SELECT E'\\'', $a$ ' $a$;\n" });

  it("is never complete, wherever it is cut", () => {
    for (let length = 0; length < whole.length; length++) {
      const answer = read(whole.subarray(0, length), { "public.chat": ["id", "chat"] });
      expect(answer.complete, `cut after ${length} bytes`).toBe(false);
      expect(answer.flaw).toBeTypeOf("string");
    }
    expect(read(whole).complete).toBe(true);
  });

  it("is not complete without its beginning", () => {
    for (let from = 1; from < whole.length; from++) {
      // The first "--" and its line break are not what pg_dump's first line is known by.
      if (from <= 3) continue;
      expect(read(whole.subarray(from)).complete, `from byte ${from} on`).toBe(false);
    }
  });

  it("says where it was cut", () => {
    const within = whole.indexOf("c3\t");
    expect(read(whole.subarray(0, within)).flaw).toBe("ends within the rows of public.chat");
    expect(read(whole.subarray(0, 100)).flaw).toBe("ends before pg_dump's last line");
    expect(read(Buffer.alloc(0)).flaw).toBe("is empty");
  });

  it.each([
    ["a letter", "x"],
    ["a line", "\n"],
    ["a comment", "\n\n-- more\n"],
    ["rows", "COPY public.a (b) FROM stdin;\n1\n\\.\n"],
    ["the same again", whole.toString()],
  ])("is not complete with %s after its end", (_, more) => {
    expect(read(Buffer.concat([whole, Buffer.from(more)])).complete).toBe(false);
  });

  it("is not complete when it ends with another key than it began", () => {
    const text = whole.toString().replace("\\unrestrict Z", "\\unrestrict Y");
    expect(read(Buffer.from(text))).toMatchObject({ complete: false });
  });

  it("is not complete with a row that lacks fields", () => {
    const text = whole.toString().replace("c4\tu1\t", "c4\tu1");
    expect(read(Buffer.from(text), { "public.chat": ["id", "chat"] })).toMatchObject({
      complete: false,
      flaw: "has a row of public.chat with too few fields",
    });
  });

  it("is not complete with a COPY of another form", () => {
    const answer = read(dump([users], { schema: "COPY public.a FROM '/etc/passwd';\n" }));
    expect(answer.flaw).toContain("COPY that this program does not understand");
  });

  it("passes on what the source throws", async () => {
    async function* failing() {
      yield Buffer.from("--\n");
      throw new Error("restic failed");
    }
    await expect(readSqlDump(failing())).rejects.toThrow("restic failed");
  });
});

/** Bytes that mean something to the format, and any others. */
const nasty = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom("\\", "\n", "\t", "\\.", "\\N", "\r", "'", "$$") },
      { weight: 1, arbitrary: fc.constantFrom("\b", "\v", "\f", "\u007f", "é", "\\.\n", "--\n") },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
    ),
    { maxLength: 8 },
  )
  // PostgreSQL's text has no NUL and no half of a pair.
  .map((parts) => parts.join("").replaceAll("\0", "").toWellFormed());

const tables = fc.array(
  fc.integer({ min: 0, max: 4 }).chain((width) =>
    fc.array(fc.array(fc.option(nasty), { minLength: width, maxLength: width }), {
      maxLength: 6,
    }),
  ),
  { maxLength: 4 },
);

describe("generated dumps", () => {
  it("are read as they were written, however they come", () => {
    fc.assert(
      fc.property(
        tables,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
        fc.boolean(),
        (generated, sizes, restricted) => {
          const dumped = generated.map(
            (rows, index): DumpedTable => ({
              name: `public.t${index}`,
              columns: (rows[0] ?? []).map((_, column) => `c${column}`),
              rows,
            }),
          );
          const wanted = Object.fromEntries(
            dumped.map(({ columns }, index) => [`public.t${index}`, columns]),
          );
          const answer = read(dump(dumped, { restricted }), wanted, sizes);
          expect(answer.flaw).toBeUndefined();
          expect(answer.tables).toEqual(
            Object.fromEntries(dumped.map(({ rows }, index) => [`public.t${index}`, rows.length])),
          );
          expect(answer.rows).toEqual(
            dumped.flatMap(({ columns, rows }, index) =>
              columns.length === 0 ? [] : rows.map((row) => [`public.t${index}`, row]),
            ),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it("are never complete when cut", () => {
    fc.assert(
      fc.property(
        tables,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (generated, share) => {
          const bytes = dump(
            generated.map((rows, index) => ({
              name: `t${index}`,
              columns: (rows[0] ?? []).map((_, column) => `c${column}`),
              rows,
            })),
          );
          const cut = bytes.subarray(0, Math.floor(bytes.length * share));
          expect(read(cut, {}, [17]).complete).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("are anything at all, and nothing is thrown", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.boolean(), (noise, first) => {
        const parts = [Buffer.from(noise), dump([users, chats])];
        const bytes = Buffer.concat(first ? parts : parts.reverse());
        read(bytes, { "public.chat": ["id", "chat"] }, [1, 50]);
      }),
    );
  });
});

describe("a field", () => {
  it.each([
    [String.raw`\b\f\n\r\t\v\\`, "\b\f\n\r\t\v\\"],
    [String.raw`\101\x42\x4a9\12x\0`, "ABJ9\nx\0"],
    [String.raw`\xg\q\.`, "xgq."],
    [String.raw`\303\xa9`, "é"],
    [String.raw`a\N`, "aN"],
    [String.raw`\N`, null],
    ["", ""],
    ["cut\\", "cut"],
  ])("%s is decoded as PostgreSQL does", (field, value) => {
    expect(decodeField(Buffer.from(field))).toBe(value);
  });

  it("comes back as it was", () => {
    fc.assert(
      fc.property(fc.option(nasty), (value) => {
        expect(decodeField(encodeField(value))).toBe(value);
      }),
    );
  });
});

it("reads any iterable of bytes", async () => {
  const bytes = new Uint8Array(dump([users]));
  expect(await readSqlDump(asynchronous([bytes]))).toMatchObject({ complete: true });
});
