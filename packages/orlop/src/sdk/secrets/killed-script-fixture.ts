// Makes a sandbox with a secret, tells its id and its network namespace, and stays until it is killed.

import { Sandbox } from "../../index.ts";

const box = await Sandbox.create({
  image: "host",
  secrets: { API_KEY: { value: "a-value-of-no-worth", hosts: ["api.localhost"] } },
});
const { stdout } = await box.$`readlink /proc/self/ns/net`;
console.log(`${box.id} ${stdout.trim()}`);
