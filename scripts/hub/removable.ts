/** What keeps data from being removed, taken off a state: the next destroy removes the backups' bucket with all in it. */

interface Deployment {
  resources?: {
    type: string;
    protect?: boolean;
    retainOnDelete?: boolean;
    outputs?: Record<string, unknown>;
  }[];
}

/** Changes the deployment of an exported stack. */
export function makeRemovable(deployment: Deployment): void {
  for (const resource of deployment.resources ?? []) {
    resource.protect = false;
    if (resource.type !== "digitalocean:index/spacesBucket:SpacesBucket") continue;
    resource.retainOnDelete = false;
    // Where the provider looks when it deletes.
    resource.outputs = { ...resource.outputs, forceDestroy: true };
  }
}
