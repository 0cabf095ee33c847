/** Content types of files, by the ending of their names; any ending may come, so they are looked up in maps. */

const TEXT: ReadonlyMap<string, string> = new Map(
  Object.entries({
    c: "text/x-c",
    cpp: "text/x-c++",
    css: "text/css",
    csv: "text/csv",
    diff: "text/x-diff",
    go: "text/x-go",
    h: "text/x-c",
    htm: "text/html",
    html: "text/html",
    ics: "text/calendar",
    java: "text/x-java",
    js: "text/javascript",
    json: "application/json",
    jsonl: "application/jsonl",
    jsx: "text/jsx",
    kt: "text/x-kotlin",
    map: "application/json",
    markdown: "text/markdown",
    md: "text/markdown",
    mjs: "text/javascript",
    patch: "text/x-diff",
    php: "text/x-php",
    py: "text/x-python",
    rb: "text/x-ruby",
    rs: "text/x-rust",
    sh: "text/x-shellscript",
    sql: "application/sql",
    svg: "image/svg+xml",
    toml: "application/toml",
    ts: "text/x-typescript",
    tsv: "text/tab-separated-values",
    tsx: "text/x-typescript",
    txt: "text/plain",
    vue: "text/x-vue",
    webmanifest: "application/manifest+json",
    xml: "application/xml",
    yaml: "application/yaml",
    yml: "application/yaml",
  }),
);

const BINARY: ReadonlyMap<string, string> = new Map(
  Object.entries({
    avif: "image/avif",
    bmp: "image/bmp",
    bz2: "application/x-bzip2",
    docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    flac: "audio/flac",
    gif: "image/gif",
    gz: "application/gzip",
    ico: "image/vnd.microsoft.icon",
    jar: "application/java-archive",
    jpeg: "image/jpeg",
    jpg: "image/jpeg",
    mp3: "audio/mpeg",
    mp4: "video/mp4",
    odt: "application/vnd.oasis.opendocument.text",
    ogg: "audio/ogg",
    otf: "font/otf",
    pdf: "application/pdf",
    png: "image/png",
    pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    sqlite: "application/vnd.sqlite3",
    tar: "application/x-tar",
    tif: "image/tiff",
    tiff: "image/tiff",
    ttf: "font/ttf",
    wasm: "application/wasm",
    wav: "audio/wav",
    webm: "video/webm",
    webp: "image/webp",
    woff: "font/woff",
    woff2: "font/woff2",
    xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    xz: "application/x-xz",
    zip: "application/zip",
    zst: "application/zstd",
  }),
);

/** The type that a name promises; undefined when its ending says nothing. */
export function mediaTypeOf(name: string): string | undefined {
  const ending = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase();
  return ending === undefined ? undefined : (TEXT.get(ending) ?? BINARY.get(ending));
}

/** The type to send a text file with: what its name promises, unless that is a binary type. */
export function textTypeOf(name: string): string {
  const ending = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  return TEXT.get(ending) ?? "text/plain";
}

/** The type to send a binary file with. */
export function binaryTypeOf(name: string): string {
  const ending = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  return BINARY.get(ending) ?? "application/octet-stream";
}
