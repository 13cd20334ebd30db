import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { hierarchyOf } from "./cgroup-layout.ts";
import { NESTED_V1, V1, V2 } from "./cgroup-layout-fixture.ts";
import { type CgroupDriver, parseCgroupsPath, placeCgroup } from "./cgroup-path.ts";
import { parseCgroupLayout } from "./detect-cgroups.ts";

function leaf(
  texts: typeof V1,
  controller: string,
  path: string | undefined,
  driver: CgroupDriver = "cgroupfs",
): string {
  const location = parseCgroupsPath(path, { driver, containerId: "web", rootless: false });
  const hierarchy = hierarchyOf(parseCgroupLayout(texts), controller);
  assert(hierarchy !== undefined && location.kind !== "disabled");
  return placeCgroup(hierarchy, location).directories.at(-1) ?? "";
}

test("an absolute path counts from the mount point", () => {
  assert.equal(leaf(V1, "memory", "/my/one"), "/sys/fs/cgroup/memory/my/one");
  assert.equal(leaf(V2, "memory", "/my/one"), "/sys/fs/cgroup/my/one");
  assert.equal(leaf(NESTED_V1, "memory", "/my/one"), "/sys/fs/cgroup/memory/my/one");
});

test("a relative path counts from the own cgroup, in version 2 from its parent", () => {
  assert.equal(leaf(V1, "memory", "one"), "/sys/fs/cgroup/memory/user.slice/one");
  assert.equal(leaf(V2, "memory", "one"), "/sys/fs/cgroup/user.slice/user-1000.slice/one");
});

test("no path is a place of our own, named for the container", () => {
  assert.equal(leaf(V2, "memory", undefined), "/sys/fs/cgroup/user.slice/user-1000.slice/orlop/web");
  assert.equal(leaf(V2, "memory", ""), "/sys/fs/cgroup/user.slice/user-1000.slice/orlop/web");
});

test("empty and dot components vanish", () => {
  assert.equal(leaf(V1, "memory", "//a/./b/"), "/sys/fs/cgroup/memory/a/b");
});

test("every level of the path is listed, top to bottom", () => {
  const location = parseCgroupsPath("/a/b", { driver: "cgroupfs", containerId: "web", rootless: false });
  const hierarchy = hierarchyOf(parseCgroupLayout(V2), "memory");
  assert(hierarchy !== undefined && location.kind !== "disabled");
  const place = placeCgroup(hierarchy, location);
  assert.equal(place.base, "/sys/fs/cgroup");
  assert.deepEqual(place.directories, ["/sys/fs/cgroup/a", "/sys/fs/cgroup/a/b"]);
});

for (const path of ["/", "/../x", "a/../b", "..", "a\nb", "/./", `/${"x".repeat(256)}`, "/a".repeat(3000)]) {
  test(`refuses the path ${JSON.stringify(path.slice(0, 20))}`, () => {
    assert.throws(
      () => leaf(V1, "memory", path),
      (error) => error instanceof OrlopError && error.code === "invalid" && error.field === "linux.cgroupsPath",
    );
  });
}

test("slice:prefix:name is a scope below the nested slices", () => {
  const path = "kubepods-burstable.slice:cri:c1";
  assert.equal(
    leaf(V2, "memory", path, "systemd"),
    "/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/cri-c1.scope",
  );
  assert.equal(leaf(V2, "memory", ":cri:c1", "systemd"), "/sys/fs/cgroup/system.slice/cri-c1.scope");
  assert.equal(leaf(V2, "memory", "-.slice:cri:c1", "systemd"), "/sys/fs/cgroup/cri-c1.scope");
  assert.equal(leaf(V2, "memory", undefined, "systemd"), "/sys/fs/cgroup/system.slice/orlop-web.scope");
});

test("a name that is a slice is that slice", () => {
  assert.equal(leaf(V2, "memory", "a.slice::a-b.slice", "systemd"), "/sys/fs/cgroup/a.slice/a-b.slice");
});

test("a user's units lie below the user's manager", () => {
  const location = parseCgroupsPath(undefined, { driver: "systemd", containerId: "web", rootless: true });
  const hierarchy = hierarchyOf(parseCgroupLayout(V2), "memory");
  assert(hierarchy !== undefined && location.kind !== "disabled");
  const place = placeCgroup(hierarchy, location, "/user.slice/user-1000.slice/user@1000.service");
  assert.equal(
    place.directories.at(-1),
    "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/user.slice/orlop-web.scope",
  );
});

for (const path of [
  "a:b",
  "a.slice:p:",
  "noslice:p:n",
  "a--b.slice:p:n",
  ".slice:p:n",
  "a.slice:p:n/m",
  "../a.slice:p:n",
]) {
  test(`refuses ${path} as a systemd path`, () => {
    assert.throws(
      () => leaf(V2, "memory", path, "systemd"),
      (error) => error instanceof OrlopError && error.code === "invalid",
    );
  });
}
