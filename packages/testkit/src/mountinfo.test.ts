import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseMountinfo } from "./mountinfo.ts";

suite("parseMountinfo", () => {
  test("reads a line with propagation, as the kernel writes it", () => {
    const line = "36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue\n";
    assert.deepEqual(parseMountinfo(line), [
      {
        id: 36,
        parentId: 35,
        device: "98:0",
        root: "/mnt1",
        mountPoint: "/mnt2",
        options: "rw,noatime",
        propagation: ["shared:1", "master:2"],
        type: "ext3",
        source: "/dev/root",
        superOptions: "rw,errors=continue",
      },
    ]);
  });

  test("reads a mount without a source, and paths with spaces and backslashes", () => {
    const [entry] = parseMountinfo("1 2 0:3 / /a\\040b\\134c\\011d rw - proc  rw");
    assert.equal(entry?.mountPoint, "/a b\\c\td");
    assert.equal(entry?.source, "");
    assert.equal(entry?.superOptions, "rw");
  });
});
