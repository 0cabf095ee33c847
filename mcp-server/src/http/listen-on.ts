/** Begins to listen, and says in words why it cannot. */
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Starts listening and returns the port. Throws an Error for people. */
export async function listenOn(http: HttpServer, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) =>
      reject(new Error(listenProblem(error, host, port)));
    http.once("error", refuse);
    http.listen(port, host.replace(/^\[|\]$/g, ""), () => {
      http.off("error", refuse);
      http.on("error", (error) => process.stderr.write(`listening: ${error.message}\n`));
      resolve();
    });
  });
  return (http.address() as AddressInfo).port;
}

function listenProblem(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === "EADDRINUSE")
    return `Port ${port} of ${host} is taken. Choose another with --port.`;
  if (error.code === "EACCES")
    return `Port ${port} may not be opened by this user. Choose one above 1023 with --port.`;
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND")
    return `${host} is no address of this machine. Choose another with --host.`;
  return `Cannot listen on ${host}:${port}: ${error.message}`;
}
