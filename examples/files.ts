// Files into a sandbox, a program over them, and its results out of it: numbers that are sorted and counted.
//
//   sh tools/node -C source examples/files.ts 3 1 2 3

import { Sandbox } from "orlop";

const numbers = process.argv.slice(2);

await using box = await Sandbox.create({ image: "host", workdir: "/data" });
await box.fs.write("/data/numbers", numbers.map((each) => `${each}\n`).join(""));

const { exitCode, stderr } = await box.sh`sort -n numbers | uniq -c > counted`;
if (exitCode !== 0) throw new Error(stderr);

for (const { name } of await box.fs.list("/data")) {
  const { sizeBytes } = await box.fs.stat(`/data/${name}`);
  console.log(`${name}: ${sizeBytes} bytes`);
}
process.stdout.write(await box.fs.readText("/data/counted"));
