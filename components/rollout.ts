import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { applyRelease, uploadPath } from "../remote/apply-release.ts";
import { installSecrets } from "../remote/install-secrets.ts";
import type { HostScript } from "../remote/prepare-host.ts";
import { quiesceHost } from "../remote/quiesce-host.ts";
import type { Release } from "../render/release.ts";
import type { SecretFiles } from "../render/secrets.ts";

export interface RolloutArgs {
  /** Changes when the host is another one: everything is done again there. */
  dropletId: pulumi.Input<string>;
  hostAddress: pulumi.Input<string>;
  privateKey: pulumi.Input<string>;
  hostPublicKey: pulumi.Input<string>;
  /** GiB. Preparing makes the file system as large as the volume. */
  volumeSize: pulumi.Input<number>;
  prepare: HostScript;
  release: Release;
  secrets: pulumi.Output<SecretFiles>;
}

/** Makes the host run the release: prepare, put in secrets, upload, apply, one after the other over SSH. */
export class Rollout extends pulumi.ComponentResource {
  readonly applied: command.remote.Command;

  constructor(name: string, args: RolloutArgs, options?: pulumi.ComponentResourceOptions) {
    super("aihub:index:Rollout", name, {}, options);
    const connection = {
      host: args.hostAddress,
      user: "root",
      privateKey: args.privateKey,
      hostKey: args.hostPublicKey,
      // A new droplet answers SSH after 30 to 90 seconds; ten attempts would give up after eleven.
      dialErrorLimit: 60,
      perDialTimeout: 10,
    };
    // Output goes nowhere but into an error: streaming it hangs on a long line, and nothing of it belongs into the state.
    const quiet = { logging: command.remote.Logging.None, addPreviousOutputInEnv: false };
    const hidden = { additionalSecretOutputs: ["stdout", "stderr"] };

    const prepared = new command.remote.Command(
      "prepare",
      {
        connection,
        create: args.prepare.command,
        stdin: args.prepare.stdin,
        triggers: [args.dropletId, args.volumeSize],
        ...quiet,
      },
      { parent: this, ...hidden },
    );
    const secrets = new command.remote.Command(
      "secrets",
      {
        connection,
        create: installSecrets(),
        stdin: pulumi.secret(args.secrets.archive),
        triggers: [args.dropletId],
        ...quiet,
      },
      { parent: this, dependsOn: [prepared], ...hidden },
    );
    const uploaded = new command.remote.CopyToRemote(
      "release",
      {
        connection,
        source: new pulumi.asset.StringAsset(args.release.archive),
        remotePath: uploadPath(args.release.digest),
        triggers: [args.dropletId],
      },
      { parent: this, dependsOn: [secrets] },
    );
    this.applied = new command.remote.Command(
      "apply",
      {
        connection,
        create: applyRelease(args.release.digest),
        // No delete: it would run after the next release's create and stop what that one started.
        triggers: [args.dropletId, args.release.digest, args.secrets.digest],
        ...quiet,
      },
      { parent: this, dependsOn: [uploaded], ...hidden },
    );
    new command.remote.Command(
      "quiesce",
      {
        // A host that is dead must not hold its replacement up for minutes.
        connection: { ...connection, dialErrorLimit: 10 },
        create: "true",
        delete: quiesceHost(),
        triggers: [args.dropletId],
        ...quiet,
      },
      { parent: this, dependsOn: [this.applied], deleteBeforeReplace: true, ...hidden },
    );
    this.registerOutputs();
  }
}
