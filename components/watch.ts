import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

export interface WatchArgs {
  name: string;
  tag: pulumi.Input<string>;
  email: string;
  url: string;
  hostName: string;
  vcpus: number;
  /** Whether the certificate is one that the world knows; with the hub's own CA a check from outside must not verify it. */
  publicCertificate: boolean;
}

/** Alerts of the host and a check from outside. */
export class Watch extends pulumi.ComponentResource {
  constructor(name: string, args: WatchArgs, options?: pulumi.ComponentResourceOptions) {
    super("aihub:index:Watch", name, {}, options);
    const emails = [args.email];
    const thresholds: [string, string, number, string][] = [
      ["cpu", "CPU above 90 %", 90, "cpu"],
      ["memory", "memory above 90 %", 90, "memory_utilization_percent"],
      ["disk", "root disk above 80 %", 80, "disk_utilization_percent"],
      ["load", `load above ${args.vcpus * 3}`, args.vcpus * 3, "load_5"],
    ];
    for (const [key, what, value, type] of thresholds) {
      new digitalocean.MonitorAlert(
        key,
        {
          description: `${args.name}: ${what}`,
          type: `v1/insights/droplet/${type}`,
          compare: "GreaterThan",
          value,
          window: "10m",
          tags: [args.tag],
          alerts: { emails },
          enabled: true,
        },
        { parent: this },
      );
    }
    const check = new digitalocean.UptimeCheck(
      "reachable",
      {
        name: args.name,
        type: args.publicCertificate ? "https" : "http",
        target: args.publicCertificate ? args.url : `http://${args.hostName}`,
        regions: ["us_east", "eu_west"],
        enabled: true,
      },
      { parent: this },
    );
    new digitalocean.UptimeAlert(
      "down",
      {
        name: `${args.name} is down`,
        checkId: check.id,
        type: "down_global",
        period: "2m",
        notifications: [{ emails }],
      },
      { parent: this },
    );
    if (args.publicCertificate) {
      new digitalocean.UptimeAlert(
        "certificate",
        {
          name: `${args.name}: certificate expires`,
          checkId: check.id,
          type: "ssl_expiry",
          threshold: 14,
          comparison: "less_than",
          period: "2m",
          notifications: [{ emails }],
        },
        { parent: this },
      );
    }
    this.registerOutputs();
  }
}
