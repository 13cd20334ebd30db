// A build in a clean room: it sees its sources, which it cannot change, and no network, so that what comes out of it depends
// on nothing else. It is done twice, and both times the same has to come out.
//
//   sh tools/node -C source examples/clean-room.ts docs

import { createHash } from "node:crypto";
import { Sandbox } from "orlop";

const [sources = "."] = process.argv.slice(2);

async function build(): Promise<Buffer> {
  await using box = await Sandbox.create({
    image: "host",
    network: "none",
    mounts: [{ from: sources, to: "/mnt" }],
    env: { SOURCE_DATE_EPOCH: "0", LC_ALL: "C" },
  });
  const { exitCode, stderr } = await box.sh`
    cd /mnt
    find . -type f | sort > /tmp/list
    tar -cf /tmp/built.tar --mtime=@0 --owner=0 --group=0 --numeric-owner -T /tmp/list
  `;
  if (exitCode !== 0) throw new Error(`the build has failed:\n${stderr}`);
  return await box.fs.read("/tmp/built.tar");
}

const [first, second] = [await build(), await build()];
const digest = createHash("sha256").update(first).digest("hex");
console.log(`sha256:${digest} ${first.length}`);
if (first.equals(second)) console.log("both builds are the same");
else {
  console.error("the second build is another");
  process.exitCode = 1;
}
