/** A DNS server for tests, on UDP: it knows what it is told. */
import { createSocket } from "node:dgram";

export interface Zone {
  [name: string]: { a?: string[]; caa?: [flags: number, tag: string, value: string][] } | "fails";
}

export interface NameServer {
  /** Like 127.0.0.1:5353. */
  address: string;
  zone: Zone;
  close(): void;
}

export async function startNameServer(zone: Zone): Promise<NameServer> {
  const socket = createSocket("udp4");
  const served: NameServer = { address: "", zone, close: () => socket.close() };
  socket.on("message", (question, from) => {
    const labels: string[] = [];
    let at = 12;
    while (question[at]) {
      const length = question[at] as number;
      labels.push(question.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = question.readUInt16BE(at + 1);
    const known = served.zone[labels.join(".").toLowerCase()];
    const data =
      typeof known !== "object"
        ? []
        : type === 1
          ? (known.a ?? []).map((address) => Buffer.from(address.split(".").map(Number)))
          : type === 257
            ? (known.caa ?? []).map(([flags, tag, value]) =>
                Buffer.concat([Buffer.from([flags, tag.length]), Buffer.from(tag + value)]),
              )
            : [];
    const head = Buffer.alloc(12);
    question.copy(head, 0, 0, 2);
    // Answer, recursion available; 2: the server failed, 3: there is no such name.
    head.writeUInt16BE(0x8180 | (known === "fails" ? 2 : known ? 0 : 3), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(data.length, 6);
    const answers = data.map((rdata) => {
      const fixed = Buffer.alloc(12);
      fixed.writeUInt16BE(0xc00c, 0);
      fixed.writeUInt16BE(type, 2);
      fixed.writeUInt16BE(1, 4);
      fixed.writeUInt32BE(0, 6);
      fixed.writeUInt16BE(rdata.length, 10);
      return Buffer.concat([fixed, rdata]);
    });
    socket.send(
      Buffer.concat([head, question.subarray(12, at + 5), ...answers]),
      from.port,
      from.address,
    );
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  served.address = `127.0.0.1:${socket.address().port}`;
  return served;
}
