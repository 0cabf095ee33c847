/** What the server counts, for Prometheus. */

/** How a call of a tool ended. */
export type Outcome = "ok" | "error" | "invalid" | "denied" | "cancelled" | "defect";

export interface Metrics {
  /** A call begins; `called` ends it. */
  began(): void;
  called(tool: string, outcome: Outcome, seconds: number, bytesIn: number, bytesOut: number): void;
  /** A request was refused with 429. */
  limited(): void;
  /** A request came without a valid token. */
  unauthorized(): void;
}

/** Counts nothing: where nobody asks. */
export const uncounted: Metrics = {
  began() {},
  called() {},
  limited() {},
  unauthorized() {},
};

export interface PrometheusMetrics extends Metrics {
  contentType: string;
  /** The exposition text. */
  text(): Promise<string>;
  close(): void;
}

/** Loads the Prometheus client, which a server without a metrics port need not carry in memory. */
export async function prometheusMetrics(): Promise<PrometheusMetrics> {
  const { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } = await import(
    "prom-client"
  );
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const calls = new Counter({
    name: "mcp_tool_calls_total",
    help: "Calls of tools by how they ended.",
    labelNames: ["tool", "outcome"],
    registers,
  });
  const durations = new Histogram({
    name: "mcp_tool_call_duration_seconds",
    help: "Time a tool took, without reading the request and sending the answer.",
    labelNames: ["tool"],
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10, 60],
    registers,
  });
  const bytes = new Counter({
    name: "mcp_tool_bytes_total",
    help: "Bytes of text in arguments (in) and in the content of answers (out).",
    labelNames: ["direction"],
    registers,
  });
  const running = new Gauge({
    name: "mcp_tool_calls_in_flight",
    help: "Calls of tools that are running.",
    registers,
  });
  const limited = new Counter({
    name: "mcp_rate_limited_total",
    help: "Requests refused because they came too fast.",
    registers,
  });
  const unauthorized = new Counter({
    name: "mcp_unauthorized_total",
    help: "Requests without a valid token.",
    registers,
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    close: () => registry.clear(),
    began: () => running.inc(),
    called(tool, outcome, seconds, bytesIn, bytesOut) {
      running.dec();
      calls.inc({ tool, outcome });
      durations.observe({ tool }, seconds);
      bytes.inc({ direction: "in" }, bytesIn);
      bytes.inc({ direction: "out" }, bytesOut);
    },
    limited: () => limited.inc(),
    unauthorized: () => unauthorized.inc(),
  };
}
