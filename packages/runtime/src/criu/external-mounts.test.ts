import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import type { MountEntry } from "../process/mount-table.ts";
import { dumpedMounts, restoredMounts } from "./external-mounts.ts";

const HOST = "8:1";
const OTHER = "8:2";

const entry = (id: number, parentId: number, device: string, mountPoint: string): MountEntry => ({
  id,
  parentId,
  device,
  mountPoint,
  options: [],
  type: "",
});

const host = [entry(1, 0, HOST, "/"), entry(2, 1, OTHER, "/data/disk")];

suite("mounts from outside", () => {
  test("are named after the config, wherever its links lead, with what is mounted below them", () =>
    withTemporaryDirectory((root) => {
      mkdirSync(join(root, "run"));
      mkdirSync(join(root, "var"));
      symlinkSync("/run", join(root, "var/run"));
      const container = [
        entry(10, 9, HOST, "/"),
        entry(11, 10, "0:50", "/proc"),
        entry(12, 11, "0:6", "/proc/keys"),
        entry(13, 10, HOST, "/run/data"),
        entry(14, 13, OTHER, "/run/data/disk"),
        entry(15, 13, "0:51", "/run/data/memory"),
      ];
      const destinations = ["/var/run/data", "/proc/keys", "/proc/absent"];
      assert.deepEqual(dumpedMounts(destinations, root, container, [...host, entry(3, 1, "0:6", "/dev")]), [
        "mnt[/run/data]:/var/run/data",
        "mnt[/proc/keys]:/proc/keys",
        "mnt[/run/data/disk]:/var/run/data/disk",
      ]);
    }));

  test("are not those that only cover a path with memory of the container's own", () => {
    const container = [entry(10, 9, HOST, "/"), entry(11, 10, "0:50", "/sys/firmware")];
    assert.deepEqual(dumpedMounts(["/sys/firmware"], "/nowhere", container, host), []);
  });

  test("are found where the config says that they come from", () => {
    const mounts = [
      { destination: "/a", source: "/data", recursive: true },
      { destination: "/b", source: "/data", recursive: false },
    ];
    assert.deepEqual(restoredMounts(mounts, host), ["mnt[/a]:/data", "mnt[/a/disk]:/data/disk", "mnt[/b]:/data"]);
  });
});
