import { load } from "js-yaml";
import { expect, it } from "vitest";
import { renderUserData } from "../../render/cloud-init.ts";

it("user_data pins the host's key, and says the same for the same key", () => {
  const key = {
    privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n",
    publicKey: "ssh-ed25519 AAAA\n",
  };
  const text = renderUserData(key);
  expect(text.split("\n")[0]).toBe("#cloud-config");
  expect(renderUserData(key)).toBe(text);
  expect(load(text)).toMatchObject({
    ssh_keys: { ed25519_private: key.privateKey, ed25519_public: "ssh-ed25519 AAAA" },
    ssh_pwauth: false,
    bootcmd: [
      [
        "cloud-init-per",
        "once",
        "aihub-ssh",
        "sh",
        "-c",
        expect.stringContaining("ufw delete limit"),
      ],
    ],
  });
});
