import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { readMountTable } from "../process/mount-table.ts";
import { inheritedStreams, keepStreams, keptStreams, outsideStreams, standardStreams } from "./standard-streams.ts";

suite("standard streams of a dumped container", () => {
  test("are outside when none of the container's mounts has them", () => {
    const own = standardStreams(process.pid, readMountTable());
    assert.deepEqual(outsideStreams(own), []);
    for (const stream of standardStreams(process.pid, [])) {
      assert.match(stream, /^file\[[0-9a-f]+:[0-9a-f]+\]:\/|^(pipe|socket):\[\d+\]$/);
    }
  });

  test("are found under other numbers, where the process has them for a while", () =>
    withTemporaryDirectory((path) => {
      const file = join(path, "log");
      const fd = openSync(file, "w");
      try {
        const streams = standardStreams(process.pid, [], { opened: ["", file, ""], pids: [] });
        assert.ok(streams[1]?.endsWith(`]:${file}`));
        assert.doesNotMatch(standardStreams(process.pid, [], { opened: ["", "/nobody/has/it", ""] })[1] ?? "", /^pipe/);
      } finally {
        closeSync(fd);
      }
    }));

  test("are given back once each: the caller's own, or the null device", () => {
    const streams = ["file[18:3]:/dev/null", "file[1b:22a]:/log", "file[1b:22a]:/log"];
    assert.deepEqual(outsideStreams(streams), ["file[18:3]", "file[1b:22a]"]);
    assert.deepEqual(inheritedStreams(streams), [{ key: "file[18:3]" }, { key: "file[1b:22a]", fd: 1 }]);
    assert.deepEqual(inheritedStreams(["/dev/null", "pipe:[7]", "/dev/pts/0"]), [{ key: "pipe:[7]", fd: 1 }]);
  });

  test("are kept with the images", () =>
    withTemporaryDirectory((path) => {
      keepStreams(path, ["a", "b", ""]);
      assert.deepEqual(keptStreams(path), ["a", "b", ""]);
    }));
});
