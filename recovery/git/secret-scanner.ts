/** Finds secrets in a file by their shapes, and the hub's own by themselves. Says of which kind they are, never what. */
import { createHash } from "node:crypto";
import { lintSource } from "@secretlint/core";
import { secretLintProfiler } from "@secretlint/profiler";
import { creator as preset } from "@secretlint/secretlint-rule-preset-recommend";

// It would keep a record of each of its steps.
secretLintProfiler.setEnabled(false);

/** Of the packages, as package.json pins them; a new one scans everything anew. */
export const SCANNER = "secretlint 13.1.0";

/** Counts up when what is below finds more or less. */
const EDITION = 1;

/**
 * Characters that are looked at together, and how far such pieces overlap: longer than any key. The rules' time grows by the
 * square of what they find in one piece.
 */
const PIECE = 64 * 1024;
const OVERLAP = 16 * 1024;

/** What a value of the hub's own has at least; a shorter one is found everywhere. */
const SHORTEST = 12;

/** What the rules do not know. */
const further: readonly [kind: string, pattern: RegExp][] = [
  // A key on a curve is shorter than what the rule for private keys takes for real.
  ["private key", /-----BEGIN (?:[A-Z0-9]+ )?PRIVATE KEY-----[\s\\nr]{1,8}M[A-Za-z0-9+/=\s\\]{58}/],
  ["private key", /-----BEGIN PGP PRIVATE KEY BLOCK-----[^-]{100}/],
  ["private key", /^PuTTY-User-Key-File-\d/m],
  ["age key", /\bAGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{50}/],
  ["digitalocean", /\bdo[opr]_v1_[0-9a-f]{64}\b/],
  ["pulumi", /\bpul-[0-9a-f]{40}\b/],
];

/** Without the rule by which a comment in a file lets its secrets pass. Its switch in the configuration is without effect. */
const strict: typeof preset = {
  ...preset,
  create(context, options) {
    preset.create(
      {
        ...context,
        registerRule(rule, defaults) {
          if (!rule.meta.id.endsWith("-filter-comments")) context.registerRule(rule, defaults);
        },
      },
      options,
    );
  },
};

const config = {
  rules: [
    {
      id: "preset",
      rule: strict,
      rules: [
        {
          id: "@secretlint/secretlint-rule-aws",
          options: { enableIDScanRule: true },
          // The number of an account opens nothing.
          allowMessageIds: ["AWSAccountID"],
        },
      ],
    },
  ],
};

export class SecretScanner {
  /** What it finds by: the same for the same rules and the same secrets of the hub. */
  readonly id: string;
  readonly #own: readonly string[];

  /** @param own the hub's own secrets */
  constructor(own: readonly string[] = []) {
    this.#own = [...new Set(own.flatMap(linesOf))].sort();
    const digest = createHash("sha256").update(JSON.stringify(this.#own)).digest("hex");
    this.id = `${SCANNER}, ${EDITION}, ${digest.slice(0, 16)}`;
  }

  /** @returns kinds of what was found first; empty: nothing */
  async scan(content: Buffer): Promise<string[]> {
    const kinds = new Set<string>();
    for (const text of readings(content)) {
      if (this.#own.some((secret) => text.includes(secret))) kinds.add("the hub's own");
      for (let from = 0; from < text.length; from += PIECE - OVERLAP) {
        const piece = text.slice(from, from + PIECE);
        for (const [kind, pattern] of further) if (pattern.test(piece)) kinds.add(kind);
        const { messages } = await lintSource({
          source: { content: piece, filePath: "file", ext: "", contentType: "text" },
          options: { config, noPhysicFilePath: true, maskSecrets: true },
        });
        for (const { ruleId } of messages) kinds.add(kindOf(ruleId));
        if (kinds.size > 0 || from + PIECE >= text.length) break;
      }
    }
    return [...kinds].sort();
  }
}

/** A key of several lines may be wrapped in another way. */
function linesOf(secret: string): string[] {
  return secret
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST && !line.startsWith("-----"));
}

/** A file as text. One that is none may still hold text, such as a database does. */
function* readings(content: Buffer): Generator<string> {
  const [first, second] = content;
  if (first === 0xff && second === 0xfe) yield content.toString("utf16le");
  else if (first === 0xfe && second === 0xff) {
    yield Buffer.from(content.subarray(0, content.length & ~1))
      .swap16()
      .toString("utf16le");
  } else if (content.includes(0)) yield content.toString("latin1");
  else yield content.toString("utf8");
}

function kindOf(rule: string): string {
  const name = rule.replace(/^.*secretlint-rule-/, "");
  return name === "privatekey" ? "private key" : name;
}
