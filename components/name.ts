import * as pulumi from "@pulumi/pulumi";

/** Prefix of everything the stack makes: two stacks of one project never collide in an account. */
export function stackName(project: string): string {
  return `${project}-${pulumi.getStack()}`;
}
