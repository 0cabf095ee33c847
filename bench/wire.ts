/**
 * The least a client can do, over HTTP and over a pipe: the machine's cores are shared with it, so both kinds cost the same
 * few microseconds and parse nothing that they need not.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Calls one tool; returns the bytes of the answer. Throws when the answer is an error. */
export interface Line {
  call(tool: string, args: object): Promise<number>;
  /** The whole answer of any method. */
  ask(method: string, params: object): Promise<Answer>;
  close(): void;
}

export interface Answer {
  bytes: number;
  result: Record<string, unknown>;
}

const CLIENT = { name: "bench", version: "1" };
const MODERN = "2026-07-28";
const LEGACY = "2025-06-18";
const CALL_TIMEOUT_MS = 120_000;

/** At the beginning only: a list of tools has errors among its schemas. */
const FAILED = /^(?:event: .*\n)?(?:data: *)?\{(?:"(?:jsonrpc|id)":[^,]*,)*"error":\{/;

function checked(text: string): number {
  if (text.includes('"isError":true') || FAILED.test(text))
    throw new Error(`the call failed: ${text.slice(0, 400)}`);
  return text.length;
}

export interface HttpAddress {
  port: number;
  token?: string;
  /** Speaks 2025-06-18 with a session, as gateways want it. */
  sessions?: boolean;
}

/** One keep-alive connection with one call at a time. */
export async function httpLine({ port, token, sessions = false }: HttpAddress): Promise<Line> {
  let wire = new HttpWire(await connected(port));
  let id = 0;
  let session: string | undefined;
  const common =
    `Host: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n` +
    (token === undefined ? "" : `Authorization: Bearer ${token}\r\n`);
  const meta = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const post = async (method: string, params: object, name?: string, notify = false) => {
    // Servers close connections that were idle while others had their turn.
    if (wire.closed) wire = new HttpWire(await connected(port));
    const body = JSON.stringify({
      jsonrpc: "2.0",
      ...(notify ? {} : { id: ++id }),
      method,
      params: sessions ? params : { ...params, _meta: meta },
    });
    const era = sessions
      ? `MCP-Protocol-Version: ${LEGACY}\r\n${session === undefined ? "" : `Mcp-Session-Id: ${session}\r\n`}`
      : `MCP-Protocol-Version: ${MODERN}\r\nMcp-Method: ${method}\r\n${name === undefined ? "" : `Mcp-Name: ${name}\r\n`}`;
    return wire.exchange(
      `POST /mcp HTTP/1.1\r\n${common}${era}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  };
  if (sessions) {
    const { head } = await post("initialize", {
      protocolVersion: LEGACY,
      capabilities: {},
      clientInfo: CLIENT,
    });
    session = /^mcp-session-id: *(\S+)/im.exec(head)?.[1];
    await post("notifications/initialized", {}, undefined, true);
  }
  return {
    async call(tool, args) {
      return checked((await post("tools/call", { name: tool, arguments: args }, tool)).body);
    },
    async ask(method, params) {
      const name = (params as { name?: string }).name;
      const { body } = await post(method, params, name);
      return answerFrom(body);
    },
    close: () => wire.close(),
  };
}

/** Many calls at once over the pipe of a child process. */
export async function pipeLine(child: ChildProcess): Promise<Line> {
  const waiting = new Map<number, { resolve(text: string): void; reject(error: Error): void }>();
  let id = 0;
  let rest = "";
  child.stdout?.setEncoding("latin1");
  child.stdout?.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const at = line.lastIndexOf('"id":');
      const number = Number.parseInt(line.slice(at + 5), 10);
      waiting.get(number)?.resolve(line);
      waiting.delete(number);
    }
  });
  child.once("exit", (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the server ended with ${code}`));
  });
  const send = (method: string, params: object) =>
    new Promise<string>((resolve, reject) => {
      waiting.set(++id, { resolve, reject });
      child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    });
  await send("initialize", { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT });
  child.stdin?.write(
    `${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`,
  );
  return {
    call: async (tool, args) => checked(await send("tools/call", { name: tool, arguments: args })),
    ask: async (method, params) => answerFrom(await send(method, params)),
    close: () => child.stdin?.end(),
  };
}

function answerFrom(body: string): Answer {
  checked(body);
  const json = body.startsWith("{") ? body : (/^data: *(.*)$/m.exec(body)?.[1] ?? "{}");
  const { result } = JSON.parse(Buffer.from(json, "latin1").toString()) as {
    result: Record<string, unknown>;
  };
  return { bytes: body.length, result };
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.setNoDelay(true);
  return socket;
}

interface Exchange {
  head: string;
  /** Bytes as characters. */
  body: string;
}

/** One connection: a request, then its answer. */
class HttpWire {
  readonly #socket: Socket;
  #received = "";
  #turn: { resolve(exchange: Exchange): void; reject(error: Error): void } | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => this.#take(String(chunk)));
    socket.on("error", (error) => this.#turn?.reject(error));
    socket.on("close", () => this.#turn?.reject(new Error("the connection was closed")));
    socket.setTimeout(CALL_TIMEOUT_MS, () => socket.destroy(new Error("no answer")));
  }

  get closed(): boolean {
    return this.#socket.destroyed || this.#socket.readableEnded;
  }

  exchange(request: string): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      this.#turn = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#turn = undefined;
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    this.#received = this.#received === "" ? chunk : this.#received + chunk;
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#received.slice(0, end);
    const body = this.#received.slice(end + 4);
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    if (length !== undefined) {
      if (body.length >= Number(length)) this.#done({ head, body });
    } else if (/^transfer-encoding: *chunked/im.test(head)) {
      if (body.endsWith("0\r\n\r\n")) this.#done({ head, body: unchunked(body) });
    } else this.#done({ head, body: "" });
  }

  #done(exchange: Exchange): void {
    this.#received = "";
    const turn = this.#turn;
    this.#turn = undefined;
    turn?.resolve(exchange);
  }
}

function unchunked(text: string): string {
  let body = "";
  for (let at = 0; ; ) {
    const end = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return body;
    body += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}
