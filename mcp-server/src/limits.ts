/** Sizes beyond which a tool refuses or cuts, in bytes unless the name says otherwise. */
export const limits = {
  /** One HTTP request; above a write's content, which grows by its JSON or base64 spelling. */
  requestBody: 16 * 1024 * 1024,
  /** Content of one write, and size of a file that can be edited. */
  write: 8 * 1024 * 1024,
  /** Text of one read_code answer. */
  readText: 256 * 1024,
  /** Lines of one read_code answer unless asked for fewer. */
  readLines: 2000,
  /** A file given whole as base64. */
  readBinary: 2 * 1024 * 1024,
  /** Entries of one list_files, find_files or tree answer. */
  entries: 5000,
  /** Folders larger than this, by what the file system says of themselves, are listed in a worker thread. */
  listedAtOnce: 256 * 1024,
  /** Matching lines of one search_code answer. */
  searchMatches: 1000,
  /** Characters of one search_code answer. */
  searchAnswer: 128 * 1024,
  /** Files larger than this are not searched. */
  searchFile: 32 * 1024 * 1024,
  /** Characters of a matching line that are shown. */
  searchLine: 400,
  /** A file read as a resource, text or binary. */
  resource: 2 * 1024 * 1024,
  /** Files that one server watches for changes made outside of it, for clients that subscribed to them. */
  watchedFiles: 1000,
} as const;
