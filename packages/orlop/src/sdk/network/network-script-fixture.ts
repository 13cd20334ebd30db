// Executed in a network namespace of its own, as a machine: a sandbox on its bridge, which tries to reach the machine.

import { once } from "node:events";
import { createServer } from "node:net";
import { Engine, Sandbox } from "../../index.ts";

const PORTS = [80, 81] as const;

/** Long enough for an answer within one machine; what gets none is held up by a rule, and would be for ever. */
const PATIENCE_MS = 1000;

const CLIENT = `
  const [host, port, patience] = process.argv.slice(1);
  const socket = require("node:net").connect(Number(port), host);
  socket.on("data", (data) => { console.log(String(data)); socket.destroy(); });
  socket.on("error", () => console.log("refused"));
  socket.setTimeout(Number(patience), () => { console.log("silent"); socket.destroy(); });
`;

for (const port of PORTS) {
  const server = createServer((socket) => socket.on("error", () => {}).end(`port ${port}`)).unref();
  await once(server.listen(port, "0.0.0.0"), "listening");
}

const seen: unknown[] = [];
const box = await Sandbox.create({ image: "host", network: { allow: [] } });
console.log(box.id);
const { network } = box;
const [gateway = ""] = network?.gateways ?? [];

async function reached(patienceMs: number, ports: readonly number[] = PORTS): Promise<void> {
  for (const port of ports) {
    const words = [process.execPath, "-e", CLIENT, gateway, `${port}`, `${patienceMs}`];
    const { stdout } = await box.run(words);
    seen.push([port, stdout.trim() === "refused" ? "silent" : stdout.trim()]);
  }
}

await reached(PATIENCE_MS);
await network?.allow(`${gateway}:80`);
await reached(60_000, [80]);
await reached(PATIENCE_MS, [81]);
await network?.restrict([`${gateway}:81/tcp`]);
await reached(60_000, [81]);
await reached(PATIENCE_MS, [80]);
const addresses = network?.addresses ?? [];
const hosts = (await box.fs.readText("/etc/hosts")).split("\n").some((line) => line.startsWith(`${addresses[0]}\t`));
await box[Symbol.asyncDispose]();
await using free = await Sandbox.create({ image: "host", network: "bridge" });
console.log(free.id);
const [sameGateway] = free.network?.gateways ?? [];
const { stdout: answer } = await free.run([process.execPath, "-e", CLIENT, sameGateway ?? "", "80", "60000"]);
await free.network?.allow("192.0.2.1");
const refusals: unknown[] = [];
for (const asked of [{ name: "no-such-network" }, { allow: ["a.example:x"] }]) {
  await Sandbox.create({ image: "host", network: asked }).catch((error) => refusals.push(error.code));
}
await using engine = await Engine.open();
await engine.networks.create("app");
await using named = await Sandbox.create({ image: "host", network: { name: "app", allow: ["registry.example:443"] } });
await using other = await Sandbox.create({ image: "host", network: "app" });
const { stdout: found } = await other.$`getent ahostsv4 ${named.id.slice(0, 12)}`;
const isFound = found.startsWith(`${named.network?.addresses[0]} `);
console.log(JSON.stringify({ seen, hosts, isFound, answer: answer.trim(), refusals }));
