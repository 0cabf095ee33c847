import { credentials } from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";

const severities = {
  info: engine.LogSeverity.INFO,
  warning: engine.LogSeverity.WARNING,
  error: engine.LogSeverity.ERROR,
};

/** The engine's own log, by which a provider talks to the person at the keyboard. */
export interface EngineLog {
  write(entry: {
    urn: string;
    severity: "info" | "warning" | "error";
    text: string;
    /** True: shown beside the resource while it works, and kept nowhere. */
    passing: boolean;
  }): void;
  close(): void;
}

/** Connects to the engine at `address` (host:port). What cannot be delivered is dropped: the engine has gone. */
export function engineLog(address: string): EngineLog {
  const client = new engineGrpc.EngineClient(address, credentials.createInsecure());
  return {
    write({ urn, severity, text, passing }) {
      const request = new engine.LogRequest();
      request.setUrn(urn);
      request.setSeverity(severities[severity]);
      request.setMessage(text);
      request.setEphemeral(passing);
      client.log(request, () => {});
    },
    close: () => client.close(),
  };
}
