/**
 * user_data of the droplet: constant over its life and free of application secrets. It only pins the host's SSH key,
 * so that the first connection is already verified.
 */
export interface HostKey {
  /** OpenSSH private key, PEM. */
  privateKey: string;
  /** OpenSSH public key, one line. */
  publicKey: string;
}

/**
 * The Docker 1-Click image shuts out a client that opens six SSH connections in half a minute, for as long as it keeps
 * trying, and the rollout's first dial does try. The cloud firewall guards SSH here.
 */
const unlimitedSsh =
  "command -v ufw >/dev/null || exit 0; ufw allow 22/tcp; ufw delete limit 22/tcp; ufw delete limit ssh; true";

export function renderUserData(key: HostKey): string {
  // JSON is YAML: cloud-init reads it, and no value can break out of its place.
  return `#cloud-config\n${JSON.stringify(
    {
      ssh_deletekeys: true,
      ssh_genkeytypes: [],
      ssh_keys: { ed25519_private: key.privateKey, ed25519_public: key.publicKey.trim() },
      ssh_pwauth: false,
      bootcmd: [["cloud-init-per", "once", "aihub-ssh", "sh", "-c", unlimitedSsh]],
    },
    null,
    2,
  )}\n`;
}
