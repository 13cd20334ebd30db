import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { CgroupHierarchy } from "./cgroup-layout.ts";
import { ancestry, probeDelegation } from "./probe-delegation.ts";

/** A tree that looks like a user's delegated cgroups; every file may be written where `writable` says so. */
function tree(t: TestContext, own: string): CgroupHierarchy {
  const mountPoint = mkdtempSync(join(tmpdir(), "orlop-delegation-"));
  t.after(() => rmSync(mountPoint, { recursive: true }));
  for (const directory of ["", "/user", "/user/app", "/user/app/own"]) {
    mkdirSync(mountPoint + directory, { recursive: true });
    for (const file of ["cgroup.procs", "cgroup.subtree_control", "cgroup.controllers"]) {
      writeFileSync(`${mountPoint}${directory}/${file}`, file === "cgroup.controllers" ? "cpu memory\n" : "memory\n");
    }
  }
  return {
    version: 2,
    controllers: ["cpu", "memory"],
    name: undefined,
    mountPoint,
    mountRoot: "/",
    ownPath: own,
    ownDirectory: mountPoint + own,
    readOnly: false,
    noPrefix: false,
  };
}

test("lists the directories from one down to another", () => {
  assert.deepEqual(ancestry("/a", "/a/b/c"), ["/a", "/a/b", "/a/b/c"]);
  assert.deepEqual(ancestry("/a", "/a"), ["/a"]);
});

test("finds the nearest directory, what it can hand on, and from where", (t) => {
  const hierarchy = tree(t, "/user/app/own");
  const base = `${hierarchy.mountPoint}/user/app`;
  const delegation = probeDelegation({ hierarchy, base, directories: [`${base}/orlop`, `${base}/orlop/web`] });
  assert.equal(delegation.nearest, base);
  assert.equal(delegation.top, hierarchy.mountPoint);
  assert.deepEqual([delegation.canCreate, delegation.canJoin], [true, true]);
  assert.deepEqual(delegation.controllers, ["cpu", "memory"]);
});

test("a read-only mount lets nobody create, an unseen own cgroup nobody join", (t) => {
  const hierarchy = tree(t, "/user/app/own");
  const base = `${hierarchy.mountPoint}/user`;
  const readOnly = probeDelegation({ hierarchy: { ...hierarchy, readOnly: true }, base, directories: [`${base}/web`] });
  assert.equal(readOnly.canCreate, false);
  const unseen = probeDelegation({
    hierarchy: { ...hierarchy, ownDirectory: undefined },
    base,
    directories: [`${base}/web`],
  });
  assert.equal(unseen.canJoin, false);
});

test("what may not be written is not used", (t) => {
  if (process.getuid?.() === 0) return t.skip("needs an ordinary user, root may write everything");
  const hierarchy = tree(t, "/user/app/own");
  const { mountPoint } = hierarchy;
  chmodSync(`${mountPoint}/cgroup.subtree_control`, 0o444);
  chmodSync(`${mountPoint}/user/cgroup.procs`, 0o444);
  const base = `${mountPoint}/user`;
  const delegation = probeDelegation({ hierarchy, base, directories: [`${base}/web`] });
  assert.equal(delegation.top, base);
  assert.equal(delegation.canJoin, false);
});
