// Code of an agent's that asks a service with a key which it never has: what it sends is a placeholder, and gets the key's value
// outside of its sandbox, on the way to that service and to no other. The service here is one of this machine's own.
//
//   sh tools/node -C source examples/hidden-key.ts 'answer => answer.text()'

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Sandbox } from "orlop";

const [read = "answer => answer.text()"] = process.argv.slice(2);

const service = createServer(({ headers }, answer) => {
  const isKnown = headers.authorization === "Bearer the-key-of-the-service";
  answer.statusCode = isKnown ? 200 : 401;
  answer.end(isKnown ? "welcome" : `no such key: ${headers.authorization}`);
}).listen(0, "127.0.0.1");
await once(service, "listening");
const host = `http://service.localhost:${(service.address() as AddressInfo).port}`;

const code = `
  const key = process.env.SERVICE_KEY;
  console.log("the key is " + key.slice(0, 13) + "...");
  fetch(process.argv[1], { headers: { authorization: "Bearer " + key } }).then(${read}).then(console.log);
`;

{
  await using box = await Sandbox.create({
    image: "host",
    timeoutMs: 60_000,
    // Elsewhere { env: "SERVICE_KEY" } or { file: "..." }, and hosts: ["api.example.com"], by HTTPS.
    secrets: { SERVICE_KEY: { value: "the-key-of-the-service", hosts: [host] } },
  });
  const { stdout, stderr, exitCode } = await box.run([process.execPath, "-e", code, host]);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = exitCode ?? 1;
}
service.close();
