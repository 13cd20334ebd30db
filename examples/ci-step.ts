// A step of a pipeline: commands in a work tree of this machine, whose output is shown as it comes, until the first that
// fails. What they write to the tree stays there, and nothing else does.
//
//   sh tools/node -C source examples/ci-step.ts . 'ls -l' 'test -f package.json'

import { Sandbox } from "orlop";

const [tree = ".", ...lines] = process.argv.slice(2);

await using box = await Sandbox.create({
  image: "host",
  mounts: [{ from: tree, to: "/mnt", mode: "rw" }],
  workdir: "/mnt",
  env: { CI: "true" },
  labels: { step: "ci" },
});

for (const line of lines) {
  console.log(`+ ${line}`);
  const step = box.spawn(["sh", "-ec", line], { timeoutMs: 600_000 });
  for await (const { fd, data } of step) (fd === 1 ? process.stdout : process.stderr).write(data);
  const { exitCode, timedOut } = await step.ended;
  if (exitCode === 0) continue;
  console.error(timedOut ? "it took too long" : `it failed with ${exitCode}`);
  process.exitCode = exitCode;
  break;
}
