import { readFileSync } from "node:fs";
import type { Digest } from "@orlop/core";
import { hookDiskCalls } from "@orlop/testkit";
import { openStore } from "./open-store.ts";

/** A process of its own: takes in a blob, and kills itself before call number N to the disk. */
const [root = "", contentPath = "", digest, fatalCall] = process.argv.slice(2);
const bytes = readFileSync(contentPath);
const blob = { digest: digest as Digest, size: bytes.length };
let calls = 0;
using _hooked = await hookDiskCalls(() => {
  if (++calls === Number(fatalCall)) process.kill(process.pid, "SIGKILL");
});
const store = openStore(root);
await using ingest = await store.content.ingest(blob);
const missing = ingest?.missing() ?? [];
// The second half first, so that there are gaps.
for (const { offset, length } of missing.flatMap(halves).reverse()) {
  await ingest?.write(bytes.subarray(offset, offset + length), offset);
}
await ingest?.commit({ by: "child" });
await store.images.put("name", { mediaType: "application/octet-stream", ...blob });

function halves({ offset, length }: { offset: number; length: number }): { offset: number; length: number }[] {
  const half = Math.floor(length / 2);
  return [
    { offset, length: half },
    { offset: offset + half, length: length - half },
  ];
}
