// Shows what a command would change in a directory, and changes nothing: it works on an overlay, beside the directory as it is,
// and what is different in the end is shown.
//
//   sh tools/node -C source examples/preview.ts examples 'sed -i s/orlop/ORLOP/ *.md'

import { Sandbox } from "orlop";

const [directory = ".", command = "true"] = process.argv.slice(2);

await using box = await Sandbox.create({
  image: "host",
  mounts: [
    { from: directory, to: "/tmp/before" },
    { from: directory, to: "/tmp/after", mode: "overlay", owner: "map" },
  ],
});
const { exitCode, stdout, stderr } = await box.run(["sh", "-ec", command], { workdir: "/tmp/after" });
process.stdout.write(stdout);
process.stderr.write(stderr);
const changes = await box.run(["diff", "-ruN", "before", "after"], { workdir: "/tmp" });
process.stdout.write(changes.stdout);
process.exitCode = exitCode;
