/** DigitalOcean Spaces: where a region's object storage is, and what a bucket may be called. */

const DIGITALOCEAN = "https://{{.Region}}.digitaloceanspaces.com";

/** Regions without object storage, and the one next to each that has it. */
const elsewhere: Readonly<Record<string, string>> = { nyc1: "nyc3", nyc2: "nyc3" };

/** The region whose object storage a hub in this region uses. */
export function spacesRegion(region: string): string {
  return elsewhere[region] ?? region;
}

/**
 * Address of a region's object storage, without a slash at its end.
 * @param template SPACES_ENDPOINT_URL as DigitalOcean's provider reads it, "{{.Region}}" standing for the region
 */
export function spacesEndpoint(region: string, template: string = DIGITALOCEAN): string {
  return template.replace(/\{\{\s*\.Region\s*\}\}/g, region.toLowerCase()).replace(/\/+$/, "");
}

const MAX_BUCKET_NAME = 63;

/** A bucket's name: lower-case letters, digits and hyphens, never longer than S3 allows. `suffix` stays whole. */
export function bucketName(name: string, suffix: string): string {
  const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const room = MAX_BUCKET_NAME - suffix.length - 1;
  return `${plain.slice(0, room).replace(/^-+|-+$/g, "")}-${suffix}`;
}
