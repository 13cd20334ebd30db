// Makes a container that stays, follows what it puts out until it ends, and removes it. `orlop ps` shows it meanwhile, and
// `orlop logs` what it said: it is the same engine.
//
//   sh tools/node -C source examples/follow-logs.ts host sh -c 'for i in 1 2 3; do echo $i; sleep 1; done'

import { Engine } from "orlop";

const [image = "host", ...command] = process.argv.slice(2);

await using engine = await Engine.open();
const { id, name } = await engine.containers.create({ image, command, labels: { example: "follow-logs" } });
try {
  await engine.containers.start(id);
  for await (const { fd, data } of engine.containers.logs(id, { follow: true })) {
    (fd === 1 ? process.stdout : process.stderr).write(data);
  }
  const exitCode = await engine.containers.wait(id);
  const shown = await engine.containers.inspect(id);
  if (shown.name !== name) throw new Error("a container keeps its name");
  console.log(`it has ended with ${exitCode}`);
} finally {
  await engine.containers.remove(id, { force: true });
}
