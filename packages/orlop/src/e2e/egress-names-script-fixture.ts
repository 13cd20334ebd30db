/** A sandbox with a policy of names, which tries to reach the machine. Arguments: the client's program, a port, two addresses. */
import { Sandbox } from "../index.ts";

const [, , client = "", port = "", here = ""] = process.argv;

await using box = await Sandbox.create({ image: "host", network: { allow: [`here.example:${port}`] } });

async function reach(host: string): Promise<string> {
  return (await box.run(["python3", "-c", client, host, port])).stdout.trim();
}

const before = [await reach(here), await reach("here.example"), await reach("there.example")];
await box.network?.restrict([`there.example:${port}`]);
const after = [await reach(here), await reach("here.example"), await reach("there.example")];
console.log(JSON.stringify({ before, after }));
