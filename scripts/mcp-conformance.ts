/** `npm run mcp:conformance`: the official MCP conformance suite against our server. */
import { parseArgs } from "node:util";
import { report, revisions, runConformance } from "../mcp-server/conformance/run.ts";

const help = `npm run mcp:conformance [-- --revision ${revisions.join("|")}] [--json]

Runs the official conformance suite (@modelcontextprotocol/conformance) against the MCP server with the suite's fixtures.
Ends with 0 when every scored scenario passes, but for those that mcp-server/conformance/expected-failures.yaml names with
their reason; with 1 when one fails, or one of those passes; with 2 when called wrongly.

  --revision R  one revision of the protocol (default all)
  --json        print the results as JSON
`;

function parse() {
  try {
    return parseArgs({
      options: {
        help: { type: "boolean" },
        json: { type: "boolean" },
        revision: { type: "string", multiple: true },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`✘ ${(error as Error).message.split(". To specify")[0]}\n\n${help}`);
    process.exit(2);
  }
}

const { help: wantsHelp, json, revision = [...revisions] } = parse();
if (wantsHelp) {
  process.stdout.write(help);
  process.exit(0);
}
const wanted = revisions.filter((one) => revision.includes(one));
const unknown = revision.find((one) => !revisions.some((known) => known === one));
if (unknown !== undefined) {
  process.stderr.write(`✘ There is no revision "${unknown}"; known: ${revisions.join(", ")}.\n`);
  process.exit(2);
}
const results = await runConformance(wanted);
process.stdout.write(json ? `${JSON.stringify(results, null, 2)}\n` : report(results));
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
