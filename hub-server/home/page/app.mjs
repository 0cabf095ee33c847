/**
 * The home page: asks /hub/api and shows what it says. All text comes in as text, never as markup: names of files, tokens and
 * people are whatever somebody chose. One file, since the browser gets it as it is: parts would be questions to the hub before
 * anything is shown.
 */

const byId = (id) => document.getElementById(id);

/** An element with properties and children; strings become text. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "scope") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

/** Sets a text only when it is another, so that nobody is read the same twice. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// ---- words for numbers ----

function bytes(count) {
  const gib = count / 1024 ** 3;
  if (gib >= 100) return `${Math.round(gib)} GiB`;
  return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${Math.round(count / 1024 ** 2)} MiB`;
}

const units = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function ago(iso) {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  for (const [unit, length] of units) {
    // "In 89 days" says more than "in 2 months".
    if (Math.abs(seconds) >= (unit === "month" ? 4 * length : length))
      return relative.format(Math.round(seconds / length), unit);
  }
  return seconds < 0 ? "just now" : "in a moment";
}

/** How long it has been, like "3 d". */
function since(iso) {
  const seconds = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
  for (const [unit, length] of [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
  ]) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit}`;
  }
  return "< 1 min";
}

function time(iso, words = ago) {
  const element = make(
    "time",
    { dateTime: iso, title: new Date(iso).toLocaleString() },
    words(iso),
  );
  element.dataset.words = words.name;
  return element;
}

setInterval(() => {
  for (const element of document.querySelectorAll("time")) {
    const words = element.dataset.words === "since" ? since : ago;
    say(element, words(element.dateTime));
  }
}, 30_000);

// ---- asking ----

async function ask(path, options = {}) {
  const answer = await fetch(path, {
    ...options,
    // A login page is no answer.
    redirect: "error",
    headers: {
      Accept: "application/json",
      ...(options.method && { "X-Hub-Action": "1", "Content-Type": "application/json" }),
    },
  });
  if (answer.status === 204) return undefined;
  const body = await answer.json().catch(() => undefined);
  if (!answer.ok) throw new Error(body?.error ?? `The hub answers ${answer.status}.`);
  return body;
}

async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    say(byId("said"), "Copied.");
  } catch {
    button.textContent = "Select and copy";
  }
  setTimeout(() => {
    button.textContent = before;
    say(byId("said"), "");
  }, 2_000);
}

// ---- status ----

let me;

function showStatus(status) {
  showHealth(status);
  byId("services").replaceChildren(...illFirst(status.services).map(serviceRow));
  for (const cell of document.querySelectorAll(".memory-column")) cell.hidden = !me.hostDetails;
  byId("room-card").hidden = !me.hostDetails;
  if (me.hostDetails) {
    byId("room").replaceChildren(
      ...bar("Data volume", status.volume),
      ...bar("Host's disk", status.disk),
      ...bar("Host's memory", status.memory),
    );
  }
  showSafety(status);
  byId("releases-card").hidden = !me.hostDetails;
  byId("releases").replaceChildren(...status.releases.map(releaseItem));
  byId("no-releases").hidden = status.releases.length > 0;
  say(byId("version"), status.version ? `Release ${status.version}` : "");
}

function showHealth({ stale, reportedAt, services, certificate, keeping, volume, alarms = [] }) {
  const ill = services.filter(({ health }) => health !== "healthy");
  const names = ill.map(({ name }) => name).join(", ");
  const warnings = [];
  // One that is renewed by itself may be short-lived.
  if (certificate && certificate.daysLeft < (keeping?.state === "serving" ? 2 : 14))
    warnings.push(
      certificate.daysLeft < 0
        ? "The certificate has run out."
        : `The certificate ends in ${certificate.daysLeft} days.`,
    );
  if (volume && volume.used / volume.size > 0.9) warnings.push("The data volume is nearly full.");
  warnings.push(...alarms.filter(({ severity }) => severity === "alarm").map(({ text }) => text));
  const [state, title, more] =
    reportedAt === null
      ? ["warn", "No report from the host yet", "It comes with the next seconds of a running host."]
      : stale
        ? ["warn", "No news from the host", `What is shown was so ${ago(reportedAt)}.`]
        : services.length === 0
          ? ["bad", "Docker does not answer", "The host reports, but not about its services."]
          : ill.some(({ health }) => health !== "starting")
            ? [
                "bad",
                ill.length === 1
                  ? "One service is not well"
                  : `${ill.length} services are not well`,
                names,
              ]
            : ill.length > 0
              ? [
                  "warn",
                  ill.length === 1
                    ? "One service is starting"
                    : `${ill.length} services are starting`,
                  names,
                ]
              : warnings.length > 0
                ? ["warn", "Running, with something to look at", warnings.join(" ")]
                : ["good", "All is well", `${services.length} services, each of them healthy`];
  byId("health").dataset.state = state;
  say(byId("health-title"), title);
  say(byId("health-more"), more);
  document.title = state === "good" ? "AI Hub" : `${title} · AI Hub`;
}

function illFirst(services) {
  const isWell = ({ health }) => Number(health === "healthy");
  return [...services].sort((a, b) => isWell(a) - isWell(b));
}

function serviceRow({ name, version, health, memory, since: started, restarts }) {
  const kind = health === "healthy" ? "good" : health === "starting" ? "warn" : "bad";
  const cells = [
    make("th", { scope: "row" }, make("strong", {}, name), make("small", {}, version ?? "")),
    make(
      "td",
      {},
      make("span", { className: `badge ${kind}` }, health),
      restarts ? make("small", {}, ` ${restarts}× restarted`) : null,
    ),
  ];
  if (me.hostDetails) {
    const cell = make("td", {});
    if (memory) {
      cell.append(
        bytes(memory.used),
        memory.limit ? make("small", { className: "limit" }, ` of ${bytes(memory.limit)}`) : "",
      );
      if (memory.limit) cell.append(progress(`Memory of ${name}`, memory.used, memory.limit));
    }
    cells.push(cell);
  }
  cells.push(make("td", {}, started ? time(started, since) : "–"));
  return make("tr", {}, ...cells);
}

function progress(label, used, size) {
  return make("progress", {
    max: size,
    value: used,
    className: used / size > 0.9 ? "high" : "",
    "aria-label": label,
  });
}

function bar(label, usage) {
  if (!usage) return [];
  const { used, size } = usage;
  const share = Math.round((used / size) * 100);
  return [
    make(
      "div",
      { className: "bar" },
      make(
        "p",
        {},
        label,
        make("span", {}, `${bytes(used)} of ${bytes(size)} `, make("small", {}, `${share} %`)),
      ),
      progress(label, used, size),
    ),
  ];
}

function showSafety({
  certificate,
  keeping,
  lastBackup,
  lastProof,
  lastDrill,
  alarms = [],
  updates,
  load,
}) {
  const rows = [];
  const row = (term, ...what) => rows.push(make("dt", {}, term), make("dd", {}, ...what));
  if (certificate) {
    const { daysLeft, issuer } = certificate;
    const few = keeping?.state === "serving" ? 2 : 14;
    const kind = daysLeft < 0 ? "bad-text" : daysLeft < few ? "warn-text" : "";
    row(
      "Certificate",
      make("span", { className: kind }, daysLeft < 0 ? "has run out" : `${daysLeft} days left`),
      make("br"),
      make("small", {}, `from ${issuer}`),
    );
  } else row("Certificate", "cannot be read");
  if (keeping && keeping.state !== "serving")
    row("Getting one", make("span", { className: "warn-text" }, keeping.message));
  row("Last recovery point", lastBackup ? time(lastBackup) : "none yet");
  row("Last proven good", lastProof ? time(lastProof) : "none yet");
  row("Last fire drill", lastDrill ? time(lastDrill) : "none yet");
  for (const { severity, text } of alarms)
    row(
      severity === "alarm" ? "To be done" : "To come",
      make("span", { className: severity === "alarm" ? "warn-text" : "" }, text),
    );
  if (updates) {
    const { packages, reboot } = updates;
    row(
      "Updates of the host",
      packages === null ? "not known" : packages === 0 ? "none waiting" : `${packages} waiting`,
    );
    if (reboot)
      row("Restart of the host", make("span", { className: "warn-text" }, "due, at night"));
  }
  if (load) row("Load of the host", load.map((value) => value.toFixed(2)).join("  "));
  byId("safety").replaceChildren(...rows);
}

function releaseItem({ time: at, digest, outcome, reason, from }) {
  return make(
    "li",
    {},
    make("span", { className: `badge ${outcome === "taken" ? "good" : "bad"}` }, outcome),
    make(
      "span",
      { className: "what" },
      make("code", {}, digest),
      make("small", {}, [reason, from && `from ${from}`].filter(Boolean).join(" · ")),
    ),
    make("small", {}, time(at)),
  );
}

// ---- news ----

let source;
let late;

function showLive(state, text) {
  byId("live").dataset.state = state;
  say(byId("live-text"), text);
}

function listen() {
  source?.close();
  source = new EventSource("/hub/api/events");
  source.addEventListener("status", (event) => {
    clearTimeout(late);
    late = undefined;
    showLive("live", "live");
    showStatus(JSON.parse(event.data));
  });
  source.addEventListener("error", () => {
    // A stream ends every minute and begins again in a second; that is nothing to tell.
    late ??= setTimeout(() => showLive("again", "reconnecting"), 3_000);
    if (source.readyState === EventSource.CLOSED) setTimeout(comeBack, 4_000);
  });
}

/** A browser gives up on a refusal; it may be a hub that is being changed, or a session that has ended. */
async function comeBack() {
  try {
    const answer = await fetch("/hub/api/me", { redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
      clearTimeout(late);
      showLive("out", "signed out: reload the page");
      return;
    }
  } catch {
    // Away for now.
  }
  listen();
}

// ---- doors ----

function showDoors({ chat, files, code, mcp }) {
  const door = (href, name, what) =>
    href
      ? [make("a", { className: "door", href }, make("strong", {}, name), make("span", {}, what))]
      : [];
  const button = make("button", { type: "button", "aria-label": "Copy the MCP address" }, "Copy");
  button.addEventListener("click", () => copy(mcp, button));
  byId("doors").replaceChildren(
    ...door(chat, "Chat", "Talk to models that work on your files"),
    ...door(files, "Files", "The workspace, in the browser and by WebDAV"),
    ...door(code, "Code", "The same files in VS Code"),
    make(
      "div",
      { className: "door" },
      make("span", {}, "MCP, for other programs"),
      make("div", { className: "address" }, make("code", {}, mcp), button),
    ),
  );
}

// ---- tokens ----

const allows = {
  read: "read files",
  write: "write files",
  delete: "delete files",
  "self-modify": "change the chat server",
};

async function showTokens() {
  const { tokens } = await ask("/hub/api/tokens");
  byId("tokens").replaceChildren(...tokens.map(tokenItem));
  byId("no-tokens").hidden = tokens.length > 0;
}

function tokenItem(token) {
  const { name, scopes, projects, expires, expired, owner, own, client } = token;
  const words = [
    scopes.join(", "),
    projects === "all" ? "" : `in ${projects.join(", ")}`,
    own ? "" : owner ? `of ${owner}` : "made on the command line",
    client ? `by ${client}` : "",
  ].filter(Boolean);
  const revoke = make("button", { type: "button", "aria-label": `Revoke ${name}` }, "Revoke");
  revoke.addEventListener("click", () => askToRevoke(token));
  return make(
    "li",
    {},
    make(
      "span",
      { className: "what" },
      make("strong", {}, name),
      make("small", {}, words.join(" · ")),
    ),
    expired
      ? make("span", { className: "badge bad" }, "expired")
      : make("small", {}, ...(expires ? ["ends ", time(expires)] : ["does not end"])),
    revoke,
  );
}

const tokenDialog = byId("token-dialog");
const revokeDialog = byId("revoke-dialog");

for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

function openTokenDialog() {
  byId("token-form").reset();
  say(byId("token-error"), "");
  byId("token-form").hidden = false;
  byId("token-made").hidden = true;
  tokenDialog.setAttribute("aria-labelledby", "token-dialog-title");
  byId("token-scopes").replaceChildren(
    ...me.tokenScopes.map((scope) =>
      make(
        "label",
        { className: "check" },
        make("input", {
          type: "checkbox",
          name: "scope",
          value: scope,
          checked: scope !== "delete",
        }),
        allows[scope] ?? scope,
      ),
    ),
  );
  tokenDialog.showModal();
}

byId("new-token").addEventListener("click", openTokenDialog);

byId("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const submit = event.target.querySelector("[type=submit]");
  submit.disabled = true;
  try {
    const made = await ask("/hub/api/tokens", {
      method: "POST",
      body: JSON.stringify({
        name: form.get("name"),
        scopes: form.getAll("scope"),
        expires: Number(form.get("days")),
      }),
    });
    byId("token-secret").textContent = made.secret;
    byId("how-files").textContent = new URL("/files/", location.href).href;
    byId("how-mcp").textContent = me.links.mcp;
    byId("token-form").hidden = true;
    byId("token-made").hidden = false;
    // Who closed it meanwhile would have a token that nobody has ever seen.
    if (!tokenDialog.open) tokenDialog.showModal();
    tokenDialog.setAttribute("aria-labelledby", "token-made-title");
    byId("token-made-title").focus();
    await showTokens();
  } catch (error) {
    say(byId("token-error"), error.message);
  } finally {
    submit.disabled = false;
  }
});

byId("copy-secret").addEventListener("click", (event) =>
  copy(byId("token-secret").textContent, event.target),
);

tokenDialog.addEventListener("close", () => {
  byId("token-secret").textContent = "";
});

let toRevoke;

function askToRevoke({ name, own, owner }) {
  toRevoke = name;
  say(
    byId("revoke-text"),
    `“${name}”${own ? "" : owner ? ` of ${owner}` : ""} opens nothing from now on. The program that uses it needs a new one.`,
  );
  say(byId("revoke-error"), "");
  revokeDialog.showModal();
}

byId("revoke-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await ask(`/hub/api/tokens/${encodeURIComponent(toRevoke)}`, { method: "DELETE" });
    revokeDialog.close();
    say(byId("said"), `Token ${toRevoke} is revoked.`);
    await showTokens();
    // The button that was pressed is gone with its line.
    byId(me.tokenScopes.length > 0 ? "new-token" : "main").focus();
  } catch (error) {
    say(byId("revoke-error"), error.message);
  }
});

// ---- calls ----

async function showCalls() {
  const { lines } = await ask("/hub/api/audit?limit=20");
  byId("calls").replaceChildren(...lines.map(callItem));
  byId("no-calls").hidden = lines.length > 0;
}

function callItem({ time: at, user, token, tool, project, path, outcome, ms }) {
  const place = [project, path].filter(Boolean).join("/");
  const who = me.others ? [user, token && token !== user ? token : ""] : [token];
  return make(
    "li",
    {},
    make(
      "span",
      { className: "what" },
      make("b", {}, tool ?? "stranger at /mcp"),
      place ? " " : "",
      place ? make("code", {}, place) : "",
      make(
        "small",
        {},
        [...who, ms === null ? "" : `${Math.round(ms)} ms`].filter(Boolean).join(" · "),
      ),
    ),
    outcome === "ok" ? "" : make("span", { className: "badge bad" }, outcome),
    make("small", {}, time(at)),
  );
}

byId("more-calls").addEventListener("click", () =>
  showCalls().then(
    () => say(byId("said"), "The calls are shown anew."),
    (error) => say(byId("said"), error.message),
  ),
);

// ---- begin ----

async function begin() {
  me = await ask("/hub/api/me");
  say(byId("who"), `${me.name} · ${me.role}`);
  showDoors(me.links);
  byId("new-token").hidden = me.tokenScopes.length === 0;
  if (me.tokenScopes.length === 0)
    say(byId("tokens-hint"), "Your account may make no tokens here; an administrator can.");
  listen();
  const shown = await Promise.allSettled([showTokens(), showCalls()]);
  for (const { reason } of shown) if (reason) showLive("again", reason.message);
}

begin().catch((error) => {
  byId("health").dataset.state = "warn";
  say(byId("health-title"), "The hub cannot be asked");
  say(byId("health-more"), `${error.message} Reload the page to try again.`);
  showLive("out", "not connected");
});
