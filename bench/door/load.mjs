/**
 * Asks for the same file through each door in turn, round by round, and for the editor's assets with and without the gate. Runs
 * beside the bench's nginx, in its network. Settings as JSON on standard input, results as JSON on standard output.
 */
import { Agent, request } from "node:http";

let text = "";
for await (const chunk of process.stdin) text += chunk;
const { email, password, rounds, milliseconds, assets } = JSON.parse(text);

const session = await fetch("http://open-webui:8080/api/v1/auths/signin", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ email, password }),
});
if (!session.ok) throw new Error(`The chat answers ${session.status} to the sign-in.`);
const Cookie = `token=${(await session.json()).token}`;
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

function get(path) {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: 9080, path, agent, headers: { Cookie } };
    request(options, (response) => {
      response.on("data", () => {});
      response.on("end", () => resolve(response.statusCode));
    })
      .on("error", reject)
      .end();
  });
}

async function timed(path) {
  const start = performance.now();
  const status = await get(path);
  if (status !== 200) throw new Error(`${path} answers ${status}.`);
  return performance.now() - start;
}

async function load(path, callers) {
  const times = [];
  const start = performance.now();
  const end = start + milliseconds;
  const call = async () => {
    while (performance.now() < end) times.push(await timed(path));
  };
  await Promise.all(Array.from({ length: callers }, call));
  const seconds = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  return {
    perSecond: times.length / seconds,
    p50: times[Math.floor(times.length / 2)],
    p99: times[Math.floor(times.length * 0.99)],
  };
}

async function allOf(door, paths, callers) {
  let next = 0;
  const start = performance.now();
  const call = async () => {
    while (next < paths.length) await timed(`/${door}/code/${paths[next++]}`);
  };
  await Promise.all(Array.from({ length: callers }, call));
  return performance.now() - start;
}

const doors = ["none", "gate", "chat"];
const files = [];
for (const door of doors) await load(`/${door}/files/bench-door.txt`, 4);
for (const callers of [1, 16]) {
  for (let round = 0; round < rounds; round++) {
    for (const door of doors)
      files.push({
        callers,
        round,
        door,
        ...(await load(`/${door}/files/bench-door.txt`, callers)),
      });
  }
}

const page = await (await fetch("http://code-server:8443/?folder=/workspace")).text();
const version = /stable-[0-9a-f]+/.exec(page)?.[0];
if (!version) throw new Error("The editor's page does not say where its assets are.");
const paths = assets.map((path) => `${version}/static/${path}`);
const loads = [];
await allOf("none", paths, 16);
for (let round = 0; round < rounds; round++) {
  for (const door of ["none", "gate"])
    loads.push({ round, door, ms: await allOf(door, paths, 16) });
}
process.stdout.write(JSON.stringify({ files, loads, assets: paths.length }));
process.exit(0);
