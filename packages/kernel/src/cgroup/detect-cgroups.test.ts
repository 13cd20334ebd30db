import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { hierarchyLabel, hierarchyOf } from "./cgroup-layout.ts";
import { HYBRID, NESTED_V1, NESTED_V2, V1, V2 } from "./cgroup-layout-fixture.ts";
import { parseCgroupLayout } from "./detect-cgroups.ts";

test("version 1: one hierarchy a line, co-mounted controllers together", () => {
  const layout = parseCgroupLayout(V1);
  assert.equal(layout.mode, "v1");
  assert.deepEqual(layout.v1.map(hierarchyLabel), [
    "pids",
    "cpu,cpuacct",
    "memory",
    "net_cls,net_prio",
    "devices",
    "freezer",
    "blkio",
    "cpuset",
    "hugetlb",
    "name=systemd",
  ]);
  const cpu = hierarchyOf(layout, "cpuacct");
  assert.equal(cpu?.mountPoint, "/sys/fs/cgroup/cpu,cpuacct");
  assert.equal(cpu?.ownDirectory, "/sys/fs/cgroup/cpu,cpuacct/user.slice");
  assert.equal(hierarchyOf(layout, "rdma"), undefined);
});

test("version 2: the controllers are those of the mount point", () => {
  const layout = parseCgroupLayout(V2);
  assert.equal(layout.mode, "v2");
  assert.deepEqual(layout.v2?.controllers, ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"]);
  assert.equal(layout.v2?.ownDirectory, "/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope");
  assert.equal(hierarchyOf(layout, "blkio"), layout.v2);
  assert.equal(hierarchyOf(layout, "net_cls"), undefined);
});

test("hybrid: each controller is where it is in force", () => {
  const layout = parseCgroupLayout(HYBRID);
  assert.equal(layout.mode, "hybrid");
  assert.equal(hierarchyOf(layout, "memory")?.mountPoint, "/sys/fs/cgroup/memory");
  assert.equal(hierarchyOf(layout, "hugetlb")?.mountPoint, "/sys/fs/cgroup/unified");
});

test("in a container without a cgroup namespace the mount shows a part of the hierarchy", () => {
  const memory = hierarchyOf(parseCgroupLayout(NESTED_V1), "memory");
  assert.equal(memory?.mountRoot, "/docker/c0ffee");
  assert.equal(memory?.ownDirectory, "/sys/fs/cgroup/memory");
  assert.equal(memory?.readOnly, true);
});

test("in a container with a cgroup namespace the own cgroup is the root", () => {
  const layout = parseCgroupLayout(NESTED_V2);
  assert.equal(layout.mode, "v2");
  assert.equal(layout.v2?.ownDirectory, "/sys/fs/cgroup");
  assert.equal(layout.v2?.readOnly, false);
});

test("a cgroup outside the namespace has no directory", () => {
  const layout = parseCgroupLayout({ ...NESTED_V2, ownCgroups: "0::/../other\n" });
  assert.equal(layout.v2?.ownDirectory, undefined);
});

test("a mount that a later one hides is not seen", () => {
  const hidden = `${V2.mountinfo}99 22 0:99 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n`;
  assert.equal(parseCgroupLayout({ ...V2, mountinfo: hidden }).mode, "none");
  const child = `${V2.mountinfo}99 35 0:99 / /sys/fs/cgroup/init.scope ro - tmpfs tmpfs ro\n`;
  assert.equal(parseCgroupLayout({ ...V2, mountinfo: child }).mode, "v2");
});

test("a bind mount elsewhere does not win over the standard place", () => {
  const bind = `50 22 0:30 / /var/lib/jail/cgroup rw - cgroup2 cgroup2 rw\n${V2.mountinfo}`;
  assert.equal(parseCgroupLayout({ ...V2, mountinfo: bind }).v2?.mountPoint, "/sys/fs/cgroup");
});

test("spaces in mount points are unescaped", () => {
  const mountinfo = "35 22 0:30 / /mnt/my\\040cgroup rw - cgroup2 none rw\n";
  const layout = parseCgroupLayout({ mountinfo, ownCgroups: "0::/a\n", controllersAt: () => "pids\n" });
  assert.equal(layout.v2?.ownDirectory, "/mnt/my cgroup/a");
});

test("nothing mounted is a layout, not an error", () => {
  const layout = parseCgroupLayout({ mountinfo: "", ownCgroups: "0::/\n", controllersAt: () => "" });
  assert.deepEqual(layout, { mode: "none", v1: [], v2: undefined });
});

test("a line of another form is refused with the line", () => {
  assert.throws(
    () => parseCgroupLayout({ ...V2, mountinfo: "35 22 nonsense\n" }),
    (error) => error instanceof OrlopError && error.code === "invalid" && error.message.includes("35 22 nonsense"),
  );
  assert.throws(() => parseCgroupLayout({ ...V2, ownCgroups: "memory\n" }), OrlopError);
});
