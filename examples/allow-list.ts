// A program that may talk to some addresses and to nothing else, however it tries; what it may is changed while it runs. As an
// ordinary user it needs slirp4netns or pasta.
//
//   sh tools/node -C source examples/allow-list.ts 192.0.2.1:443 192.0.2.1:80

import { Sandbox } from "orlop";

const [first = "192.0.2.1:443", second = "192.0.2.1:80"] = process.argv.slice(2);

const connect = `
  const [host, port] = process.argv[1].split(":");
  const socket = require("node:net").connect(Number(port), host);
  const end = (what) => { console.log(process.argv[1] + " " + what); socket.destroy(); };
  socket.on("connect", () => end("is reached"));
  socket.on("error", () => end("is not reached"));
  socket.setTimeout(Number(process.argv[2]), () => end("is not reached"));
`;

await using box = await Sandbox.create({ image: "host", network: { allow: [first] } });

async function tryToReach(target: string, patienceMs: number): Promise<void> {
  const { stdout } = await box.run([process.execPath, "-e", connect, target, `${patienceMs}`]);
  process.stdout.write(stdout);
}

await tryToReach(first, 20_000);
await tryToReach(second, 500);
await box.network?.restrict([second]);
await tryToReach(first, 500);
await tryToReach(second, 20_000);
