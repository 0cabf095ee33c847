/** A browser as far as signing in needs one: cookies by path, redirects one at a time, one form. */

type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>;

interface Cookie {
  value: string;
  path: string;
}

export interface Page {
  status: number;
  headers: Headers;
  body: string;
  url: URL;
}

export class Browser {
  readonly cookies = new Map<string, Cookie>();
  readonly #fetch: Fetch;
  readonly #home: string;

  constructor(fetch: Fetch, home: string) {
    this.#fetch = fetch;
    this.#home = home;
  }

  async ask(address: string | URL, init: RequestInit = {}): Promise<Page> {
    const url = new URL(address, this.#home);
    const cookie = [...this.cookies]
      .filter(([, { path }]) => url.pathname.startsWith(path))
      .map(([name, { value }]) => `${name}=${value}`)
      .join("; ");
    const headers = new Headers(init.headers);
    if (cookie) headers.set("Cookie", cookie);
    const answer = await this.#fetch(url, { ...init, headers });
    for (const set of answer.headers.getSetCookie()) {
      const [pair = "", ...rest] = set.split(";");
      const at = pair.indexOf("=");
      const path = rest.map((part) => part.trim()).find((part) => /^path=/i.test(part));
      const name = pair.slice(0, at);
      if (pair.slice(at + 1) === "") this.cookies.delete(name);
      else this.cookies.set(name, { value: pair.slice(at + 1), path: path?.slice(5) ?? "/" });
    }
    return { status: answer.status, headers: answer.headers, body: await answer.text(), url };
  }

  /** From an authorization address to the page where it is decided, or to where it ends otherwise. */
  async open(authorization: string | URL): Promise<Page> {
    const first = await this.ask(authorization);
    const location = first.headers.get("location");
    return location?.startsWith("/oauth/interaction/") ? this.ask(location) : first;
  }

  /** Sends the page's form with these fields changed; undefined leaves one out. */
  send(
    page: Page,
    fields: Record<string, string | string[] | undefined> = {},
    headers: Record<string, string> = {},
  ): Promise<Page> {
    const csrf = /name="csrf" value="([^"]*)"/.exec(page.body)?.[1] ?? "";
    const scope = [...page.body.matchAll(/name="scope" value="(\w+)" checked/g)].map(
      ([, each]) => each ?? "",
    );
    const all: Record<string, string | string[] | undefined> = {
      csrf,
      scope,
      answer: "allow",
      ...fields,
    };
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(all))
      for (const each of value === undefined ? [] : [value].flat()) form.append(name, each);
    return this.ask(page.url, {
      method: "POST",
      body: form.toString(),
      headers: {
        "Content-Type": "application/x-www-form-urlencoded",
        Origin: this.#home,
        ...headers,
      },
    });
  }

  /** Follows the page that leads back to the program; the address it ends at, with the answer in its query. */
  async goBack(page: Page): Promise<URL> {
    const onward = /<a class="button" href="([^"]*)"/
      .exec(page.body)?.[1]
      ?.replaceAll("&amp;", "&");
    if (!onward) throw new Error(`no way back on the page:\n${page.status} ${page.body}`);
    const last = await this.ask(onward);
    return new URL(last.headers.get("location") ?? "none:");
  }
}
