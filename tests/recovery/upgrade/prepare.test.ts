import { chmod } from "node:fs/promises";
import { expect, it, vi } from "vitest";
import { settings } from "../example-settings.ts";
import { useHostFolders } from "../host-folders.ts";

const host = useHostFolders();
const image = (tag: string) => `ghcr.io/open-webui/open-webui:${tag}`;

it("refuses an older version, with the ways that there are", async () => {
  await host.put("opt/releases/older/recovery/settings.json", JSON.stringify(settings));
  const chat = { image: image("v0.12.3"), environment: {}, mem_limit: 1 };
  const config = JSON.stringify({ services: { "open-webui": chat } });
  await host.put("bin/docker", `#!/bin/sh\necho '${config}'\n`);
  await chmod(host.at("bin/docker"), 0o755);
  vi.stubEnv("PATH", `${host.at("bin")}:${process.env.PATH}`);
  const { prepareUpgrade } = await import("../../../recovery/upgrade/prepare.ts");

  const release = host.at("opt/releases/older");
  const refused = await prepareUpgrade(
    { release, secrets: host.at("opt/secrets/current.env"), seen: image("v0.12.4") },
    { note: () => {}, step: (_what, work) => work() },
  ).catch((error: Error) => error.message);
  expect(refused).toMatch(/^Open WebUI 0\.12\.3 is older than 0\.12\.4/);
  expect(refused).toContain(`config set images.openWebui ${image("v0.12.4")}, then npm start`);
  // A restore on the same hub keeps the version that runs.
  expect(refused).toMatch(/new stack .* restore hub --fresh --point POINT --stack NEW/);
});
