/** An SSH connection to the host, whose key is the one that the program made for it. */
import { Client } from "ssh2";

export interface HostLogin {
  address: string;
  /** OpenSSH private key of root. */
  privateKey: string;
  /** OpenSSH public key of the host. */
  hostKey: string;
}

/** @throws the connection's error when the host does not answer, or is another one */
export async function connectToHost({ address, privateKey, hostKey }: HostLogin): Promise<Client> {
  const pinned = hostKey.split(" ")[1];
  const client = new Client();
  await new Promise<void>((resolve, reject) => {
    client.once("ready", resolve);
    // More than one may come of a host that goes away. Those after the connection stands reach the running command as its end.
    client.on("error", reject);
    client.connect({
      host: address,
      username: "root",
      privateKey,
      readyTimeout: 20_000,
      keepaliveInterval: 30_000,
      hostVerifier: (key: Buffer) => key.toString("base64") === pinned,
    });
  });
  return client;
}
