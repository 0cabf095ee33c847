import type { z } from "zod";
import type { Properties } from "./wire.ts";

/** What a resource may use while one of its operations runs. */
export interface Operation {
  urn: string;
  /** Aborted when the engine asks to stop, or has gone. */
  signal: AbortSignal;
  /** Seconds of the program's customTimeouts; undefined means the resource's own default. */
  timeoutSeconds: number | undefined;
  /** Shown beside the resource while it works, kept nowhere. */
  status(text: string): void;
  /** Printed in the engine's list of diagnostics. */
  report(severity: "info" | "warning" | "error", text: string): void;
}

/** What the engine remembers of an object. */
export interface Remembered<Inputs> {
  inputs: Inputs;
  outputs: Properties;
}

export interface Failure {
  property: string;
  reason: string;
}

/**
 * One kind of resource. Values are plain: the server opens secrets before a call and closes them after it,
 * and calls create, update and delete with everything known.
 */
export interface Resource<Inputs extends Properties> {
  /** Pulumi's type token. */
  type: string;
  /** Shape of the inputs; what it does not name is refused. */
  inputs: z.ZodType<Inputs>;
  /** Inputs a change of which makes a new object; default none. */
  replaceOn?: readonly string[];
  /** Inputs whose lists have no order; default none. */
  unordered?: readonly string[];
  /** Values that the provider itself gives to inputs left out. */
  defaults?: Properties;
  /** Gives `name` a value when it is left out: the resource's name and seven random hex digits. */
  autoname?: true;
  /** Outputs that are known only after create, among them inputs that the cloud fills in. */
  computed: readonly string[];
  /** Outputs that an update may change; unknown in its preview. Default none. */
  changing?: readonly string[];
  /** Outputs that are always secret. */
  secrets?: readonly string[];
  /** Rules beyond the shape. Values may still be unknown. */
  check?(inputs: Properties, old: Properties | undefined): Failure[];
  /** Inputs whose change from `old` to `next` means a new object although others' do not. */
  replacesFor?(old: Properties, next: Properties): string[];
  /** Outputs that have run out and force a new object, such as a certificate near its end. */
  expired?(outputs: Properties): string[];
  create(inputs: Inputs, operation: Operation): Promise<{ id: string; outputs: Properties }>;
  /** Outputs as they are now; undefined when the object is gone. Left out: nothing outside can change it. */
  read?(
    id: string,
    old: Remembered<Partial<Inputs>>,
    operation: Operation,
  ): Promise<Properties | undefined>;
  /** Left out: an update only remembers the new inputs. */
  update?(
    id: string,
    inputs: Inputs,
    old: Remembered<Inputs>,
    operation: Operation,
  ): Promise<Properties>;
  /** Left out: nothing has to be removed anywhere. */
  delete?(id: string, old: Remembered<Inputs>, operation: Operation): Promise<void>;
}

/** Asked for values, without an object behind it. */
export interface ProviderFunction {
  token: string;
  call(args: Properties): Promise<Properties>;
}

export interface Provider {
  /** Name of the package, as in PULUMI_DEBUG_PROVIDERS. */
  name: string;
  /** Version of the npm package that it stands in for. */
  version: string;
  /** Keys of the configuration that the real provider knows. */
  configKeys: readonly string[];
  /** Called once, before anything else; default nothing to set. */
  configure?(config: Properties): void;
  // biome-ignore lint/suspicious/noExplicitAny: each resource knows its own inputs; the server checks them first
  resources: Resource<any>[];
  functions: ProviderFunction[];
}

/**
 * The object exists, but is not as it should be: the engine keeps it in its state, so that nothing is orphaned,
 * and calls update at the next run.
 */
export class UnfinishedObject extends Error {
  override name = "UnfinishedObject";
  readonly id: string;
  readonly outputs: Properties;
  constructor(id: string, outputs: Properties, message: string) {
    super(message);
    this.id = id;
    this.outputs = outputs;
  }
}
