import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

export interface FolderArgs {
  name: string;
  description: string;
  environment: string;
  /** URNs to show under the project. Never the reserved IP: it follows its droplet, and listing it never settles. */
  members: pulumi.Input<string>[];
}

/** The DigitalOcean project that shows what belongs to the hub. */
export class Folder extends pulumi.ComponentResource {
  constructor(name: string, args: FolderArgs, options?: pulumi.ComponentResourceOptions) {
    super("aihub:index:Folder", name, {}, options);
    const project = new digitalocean.Project(
      "project",
      {
        name: args.name,
        description: args.description,
        purpose: "Web Application",
        environment: args.environment,
      },
      { parent: this },
    );
    new digitalocean.ProjectResources(
      "members",
      { project: project.id, resources: args.members },
      { parent: this },
    );
    this.registerOutputs();
  }
}
