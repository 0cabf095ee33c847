/** Errors as gRPC brings them to the engine. */
import { Metadata, status } from "@grpc/grpc-js";
import rpc from "@pulumi/pulumi/proto/provider_pb.js";
import statusRpc from "@pulumi/pulumi/proto/status_pb.js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import { UnfinishedState } from "./remembered-state.ts";
import { encode } from "./wire.ts";

/** Keeps the text of the error; of an unfinished object, also what the engine is to remember of it. */
export function grpcError(error: unknown) {
  const text = error instanceof Error ? error.message : String(error);
  const metadata = new Metadata();
  if (error instanceof UnfinishedState) {
    const detail = new rpc.ErrorResourceInitFailed();
    detail.setId(error.id);
    detail.setProperties(encode(error.properties));
    detail.setInputs(encode(error.inputs));
    detail.setReasonsList([text]);
    const packed = new any.Any();
    packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const rich = new statusRpc.Status();
    rich.setCode(status.UNKNOWN);
    rich.setMessage(text);
    rich.addDetails(packed);
    // gRPC for Go reads structured errors from this trailer; gRPC for Node has no other way to send them.
    metadata.add("grpc-status-details-bin", Buffer.from(rich.serializeBinary()));
  }
  return { code: status.UNKNOWN, details: text, message: text, name: "ServiceError", metadata };
}
