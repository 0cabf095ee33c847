/** The certificate that nginx shows to the world. */
import { connect, type PeerCertificate } from "node:tls";
import { sharedReading } from "./shared-reading.ts";

export interface Certificate {
  /** ISO time. */
  notAfter: string;
  issuer: string;
  subject: string;
}

export interface FrontDoor {
  host: string;
  port: number;
  /** Name that a browser asks for. */
  serverName: string;
}

/** Milliseconds. */
const PATIENCE = 3_000;
const KEPT = 60_000;

/** What is read counts for a minute; null when nothing answers. */
export function servedCertificate(at: FrontDoor): () => Promise<Certificate | null> {
  const read = sharedReading(KEPT, () => ask(at));
  return () => read().catch(() => null);
}

function ask({ host, port, serverName }: FrontDoor): Promise<Certificate> {
  return new Promise((resolve, reject) => {
    // It is looked at, not trusted: nothing is sent, and one that has run out is just what is to be seen.
    const socket = connect({ host, port, servername: serverName, rejectUnauthorized: false });
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error("no answer")));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed")));
    socket.once("secureConnect", () => {
      const seen = socket.getPeerCertificate();
      socket.destroy();
      const notAfter = new Date(seen.valid_to ?? "");
      if (Number.isNaN(notAfter.getTime())) return reject(new Error("no certificate"));
      resolve({
        notAfter: notAfter.toISOString(),
        issuer: nameOf(seen.issuer),
        subject: nameOf(seen.subject),
      });
    });
  });
}

/** A name may come more than once. */
function nameOf(name: PeerCertificate["issuer"] | undefined): string {
  return String(name?.CN ?? name?.O ?? "unknown");
}
