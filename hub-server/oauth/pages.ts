/** The pages a person sees while letting a program in: plain HTML, no script, nothing from elsewhere. */
import { hash } from "node:crypto";
import type { Scope } from "../../mcp-server/src/access/caller.ts";

const style = `
:root { color-scheme: light dark; --line: #ccc; --soft: #555; --accent: #0b57d0; --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --line: #444; --soft: #aaa; --accent: #8ab4f8; --on: #171717; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 8vh auto; padding: 0 1rem; color: #222; background: #fff; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { body { background: #171717; color: #ddd; } }
h1 { font-size: 1.4rem; line-height: 1.25; }
dl { margin: 1rem 0; display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; }
dt { color: var(--soft); } dd { margin: 0; }
fieldset { border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0; padding: .5rem 1rem; }
label { display: flex; gap: .75rem; align-items: center; min-height: 2.75rem; }
input { width: 1.25rem; height: 1.25rem; flex: none; accent-color: var(--accent); }
.soft { color: var(--soft); }
.choices { display: flex; flex-wrap: wrap; gap: .75rem; }
button, a.button { font: inherit; min-height: 2.75rem; padding: .5rem 1.5rem; border-radius: .5rem; border: 1px solid var(--line); background: none; color: inherit; cursor: pointer; flex: 1 1 8rem; text-align: center; text-decoration: none; display: inline-block; }
button.allow, a.button { background: var(--accent); border-color: var(--accent); color: var(--on); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;

/**
 * Chrome holds form-action against each redirect that follows a form, to the program's own address and beyond. So a form here
 * is answered by a page that goes on by itself, and the rule can stay as narrow as this.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  "Content-Security-Policy": [
    "default-src 'none'",
    `style-src 'sha256-${hash("sha256", style, "base64")}'`,
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; "),
  "Cache-Control": "no-store",
};

export interface ConsentPage {
  /** As the program calls itself. */
  client: string;
  /** Host of the document that the program showed; undefined for one that has only registered. */
  vouchedBy: string | undefined;
  /** Where the answer goes. */
  redirectUri: string;
  person: { name: string; email: string };
  /** What may be allowed to this program by this person. */
  scopes: readonly Scope[];
  /** Whether there is more that the program wanted and this person cannot give. */
  narrowed: boolean;
  csrf: string;
}

const meaning: Partial<Record<Scope, string>> = {
  read: "Read projects and their files",
  write: "Create and change files",
  delete: "Delete files",
};

export function consentPage(page: ConsentPage): string {
  const target = destinationOf(page.redirectUri);
  return html(
    `Let ${page.client} in?`,
    `<h1>Let <q>${escaped(page.client)}</q> use the workspace?</h1>
<p>A program asks to work with the files of this hub in your name.</p>
<dl>
<dt>Program</dt><dd>${escaped(page.client)} <span class="soft">(${page.vouchedBy === undefined ? "as it calls itself; nobody has checked that" : `described at ${escaped(page.vouchedBy)}`})</span></dd>
<dt>Answer goes to</dt><dd><strong>${escaped(target)}</strong></dd>
<dt>You are</dt><dd>${escaped(page.person.name)} <span class="soft">(${escaped(page.person.email)})</span></dd>
</dl>
<form method="post">
<input type="hidden" name="csrf" value="${escaped(page.csrf)}">
<fieldset>
<legend>It may</legend>
${page.scopes.map((scope) => `<label><input type="checkbox" name="scope" value="${scope}" checked> ${meaning[scope] ?? scope}</label>`).join("\n")}
</fieldset>
${page.narrowed ? '<p class="soft">It asked for more, which your account may not do itself.</p>\n' : ""}<p>Allow it only if you have just started this from that program yourself. You can take it back at any time.</p>
<div class="choices">
<button name="answer" value="deny">Deny</button>
<button class="allow" name="answer" value="allow">Allow</button>
</div>
</form>`,
  );
}

/** Sends on to where the library says. `byItself`: not to another application, which a browser opens only for a click. */
export function onwardPage(url: string, client: string, byItself: boolean): string {
  return html(
    "Going back",
    `<h1>Back to <q>${escaped(client)}</q></h1>
<p>${byItself ? "If nothing happens, use the link." : "One more step: your browser will ask to open it."}</p>
<p><a class="button" href="${escaped(url)}" autofocus>Go back to ${escaped(client)}</a></p>`,
    byItself ? `<meta http-equiv="refresh" content="0; url=${escaped(url)}">` : "",
  );
}

export function messagePage(title: string, text: string): string {
  return html(title, `<h1>${escaped(title)}</h1>\n<p>${escaped(text)}</p>`);
}

/** For a person: the host, or what this computer's own programs are. */
function destinationOf(redirectUri: string): string {
  const { protocol, hostname, host } = new URL(redirectUri);
  if (protocol === "http:") return `a program on this computer (${hostname})`;
  return protocol === "https:" ? host : `an application on this device (${protocol}//${host})`;
}

function html(title: string, body: string, head = ""): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
${head}
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
