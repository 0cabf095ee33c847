/** What the engine is to remember of an object: which outputs are secret, which inputs it was found with, how far it came. */
import { sameUnordered } from "./difference.ts";
import { type Remembered, type Resource, UnfinishedObject } from "./resource.ts";
import { holdsSecret, type Properties, reveal, Secret } from "./wire.ts";

/** Outputs with those closed that are secret by nature or repeat a secret input. */
export function closeSecrets(
  resource: Resource<Properties>,
  outputs: Properties,
  sources: Properties,
): Properties {
  return Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => {
      const secret = resource.secrets?.includes(key) || holdsSecret(sources[key]);
      if (value === undefined || !secret || value instanceof Secret) return [key, value];
      return [key, new Secret(reveal(value))];
    }),
  );
}

/** The inputs that would make the object as it was found, in the words of the program wherever they still fit. */
export function inputsAsTheyAre(
  resource: Resource<Properties>,
  inputs: Properties,
  { inputs: plain, outputs: oldOutputs }: Remembered<Properties>,
  outputs: Properties,
): Properties {
  const found: Properties = { ...inputs };
  if (Object.keys(inputs).length === 0) {
    for (const [key, value] of Object.entries(outputs)) {
      if (!resource.computed.includes(key)) found[key] = value;
    }
    return found;
  }
  for (const key of Object.keys(inputs)) {
    if (sameUnordered(oldOutputs[key], outputs[key])) continue;
    if (sameUnordered(plain[key], outputs[key])) continue;
    found[key] = holdsSecret(inputs[key]) ? new Secret(outputs[key]) : outputs[key];
  }
  return found;
}

/** An unfinished object as the engine is to remember it. */
export class UnfinishedState extends Error {
  readonly id: string;
  readonly properties: Properties;
  readonly inputs: Properties;
  constructor(unfinished: UnfinishedObject, properties: Properties, inputs: Properties) {
    super(unfinished.message);
    this.id = unfinished.id;
    this.properties = properties;
    this.inputs = inputs;
  }
}

/** An error of making or changing an object; of one that came into being, with what is to be remembered of it. */
export function closeUnfinished(
  resource: Resource<Properties>,
  error: unknown,
  inputs: Properties,
): unknown {
  if (!(error instanceof UnfinishedObject)) return error;
  return new UnfinishedState(error, closeSecrets(resource, error.outputs, inputs), inputs);
}
