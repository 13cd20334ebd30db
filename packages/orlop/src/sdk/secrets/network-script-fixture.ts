// Executed in a network namespace of its own, as a machine: sandboxes with secrets on its bridge.

import { Sandbox } from "../../index.ts";
import { Servers } from "./servers-fixture.ts";

const CLIENT = `
  fetch(process.argv[1], { headers: { "x-key": process.env.API_KEY } }).then(
    async (answer) => console.log(answer.status),
    (error) => console.log(error.cause?.code),
  );
`;
const VALUE = "the-real-value-of-the-key";

const seen: unknown[] = [];
await using servers = await Servers.start({ address: "0.0.0.0", names: ["api.localhost"] });
const { securePort, plainPort } = servers;
const target = `api.localhost:${securePort}`;
const secrets = { API_KEY: { value: VALUE, hosts: [target] } };

async function ask(box: Sandbox, url: string): Promise<void> {
  const { stdout } = await box.run([process.execPath, "-e", CLIENT, url]);
  const keys = servers.seen.splice(0).map(({ headers }) => (headers["x-key"] === VALUE ? "value" : "placeholder"));
  seen.push([stdout.trim(), ...keys]);
}

{
  await using box = await Sandbox.create({ image: "host", network: { allow: [target] }, secrets });
  console.log(box.id);
  await ask(box, `https://${target}/`);
  await box.network?.restrict([]);
  await ask(box, `https://${target}/`);
  await box.network?.allow(target);
  await ask(box, `https://${target}/`);
}
{
  await using box = await Sandbox.create({ image: "host", network: "bridge", secrets });
  console.log(box.id);
  await ask(box, `https://${target}/`);
  const [gateway] = box.network?.gateways ?? [];
  await ask(box, `http://${gateway}:${plainPort}/`);
}
console.log(JSON.stringify(seen));
