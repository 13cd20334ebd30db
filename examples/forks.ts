// What takes long is done once, and many begin from there: the files of a prepared sandbox are kept, and sandboxes that begin with
// them run side by side. Nothing is copied for them; what each writes is its own.
//
//   sh tools/node -C source examples/forks.ts 'debian:bookworm?packages=dash,coreutils' 5

import { Sandbox } from "orlop";

const [image = "debian:bookworm?packages=dash,coreutils", count = "3"] = process.argv.slice(2);

// An image in a directory of this machine, or the name of one.
const source = image.startsWith("oci:") ? { oci: image.slice("oci:".length) } : image;
await using first = await Sandbox.create({ image: source });
await first.sh`mkdir -p /srv; echo prepared > /srv/state`;
for (const { kind, path } of await first.fs.diff()) console.log(`${kind} ${path}`);

await using prepared = await first.snapshot();
await using forks = await Sandbox.fork(prepared, Number(count));
const results = await Promise.all(
  forks.map(async (fork, index) => {
    const { stdout } = await fork.sh`echo ${`attempt ${index + 1}`} >> /srv/state; cat /srv/state`;
    return stdout.trim().replaceAll("\n", ", ");
  }),
);
console.log(results.join("\n"));
