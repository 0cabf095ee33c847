/** A key pair of its own for what speaks SSH in tests. */
import ssh2 from "ssh2";

/** @returns an Ed25519 pair in OpenSSH's format */
export function sshKeyPair(): { private: string; public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    // ssh2 1.17 drops a public key's leading zero bytes, and then nobody can read one in 256.
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}
