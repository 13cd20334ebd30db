import assert from "node:assert/strict";
import { test } from "node:test";
import { writtenDirectories } from "./written-directories.ts";

test("a disk of somebody else's is refused, with what to do instead", () => {
  const disk = { type: "ext4", source: "/disk", options: ["rw", "loop"] };
  assert.throws(() => writtenDirectories('apply layer to snapshot "x"', [disk]), {
    code: "unsupported",
    message: /Cannot apply layer to snapshot "x": it is a disk.*\nTry .* blockfile/,
  });
});
