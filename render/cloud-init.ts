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

export function renderUserData(key: HostKey): string {
  // JSON is YAML: cloud-init reads it, and no value can break out of its place.
  return `#cloud-config\n${JSON.stringify(
    {
      ssh_deletekeys: true,
      ssh_genkeytypes: [],
      ssh_keys: { ed25519_private: key.privateKey, ed25519_public: key.publicKey.trim() },
      ssh_pwauth: false,
    },
    null,
    2,
  )}\n`;
}
