/** Dumps as pg_dump writes them, made from rows. */

export interface DumpedTable {
  /** As it stands in the COPY line, such as public."user". */
  name: string;
  columns: string[];
  rows: (string | Buffer | null)[][];
}

const KEY = "Z9kQ0restrictKey";

/** A field in COPY's text format. */
export function encodeField(value: string | Buffer | null): Buffer {
  if (value === null) return Buffer.from("\\N");
  const out: number[] = [];
  for (const byte of Buffer.from(value as string)) {
    const short = { 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 92: "\\" }[byte];
    if (short === undefined) out.push(byte);
    else out.push(92, short.charCodeAt(0));
  }
  return Buffer.from(out);
}

export function copyBlock({ name, columns, rows }: DumpedTable): Buffer {
  // In its comments pg_dump writes a name's line breaks as spaces.
  const title = `--\n-- Data for Name: ${name.replaceAll("\n", " ")}; Type: TABLE DATA; Schema: public; Owner: -\n--\n\n`;
  const list = columns.length === 0 ? "" : `(${columns.join(", ")})`;
  return Buffer.concat([
    Buffer.from(`${title}COPY ${name} ${list} FROM stdin;\n`),
    ...rows.flatMap((row) => [
      ...row.flatMap((value, index) => [
        ...(index === 0 ? [] : [Buffer.from("\t")]),
        encodeField(value),
      ]),
      Buffer.from("\n"),
    ]),
    Buffer.from("\\.\n\n\n"),
  ]);
}

/** With \restrict as from 17.6 on; `schema` is SQL that stands before the data. */
export function dump(
  tables: DumpedTable[],
  { schema = "", restricted = true }: { schema?: string; restricted?: boolean } = {},
): Buffer {
  return Buffer.concat([
    Buffer.from(
      `--\n-- PostgreSQL database dump\n--\n\n${restricted ? `\\restrict ${KEY}\n\n` : ""}-- Dumped from database version 18.1\n-- Dumped by pg_dump version 18.1\n\nSET statement_timeout = 0;\nSET standard_conforming_strings = on;\nSELECT pg_catalog.set_config('search_path', '', false);\n\n${schema}`,
    ),
    ...tables.map(copyBlock),
    Buffer.from(
      `--\n-- Name: chat chat_pkey; Type: CONSTRAINT; Schema: public; Owner: -\n--\n\nALTER TABLE ONLY public.chat\n    ADD CONSTRAINT chat_pkey PRIMARY KEY (id);\n\n\n--\n-- PostgreSQL database dump complete\n--\n\n${restricted ? `\\unrestrict ${KEY}\n\n` : ""}`,
    ),
  ]);
}

/** In pieces of the given sizes, over and over. */
export function* pieces(bytes: Buffer, sizes: number[]): Generator<Buffer> {
  for (let [at, n] = [0, 0]; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

export async function* asynchronous<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}
