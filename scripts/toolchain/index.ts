/** Gets what the hub and its rehearsal run on, once per machine: the Pulumi command line and a Docker engine. */
export { ensureDocker } from "./docker.ts";
export { ensurePulumi, type Pulumi } from "./pulumi.ts";
