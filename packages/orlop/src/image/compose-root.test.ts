import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TreeEntry } from "@orlop/core";
import { composeRoot, type HostDirectories, type HostEntry } from "./compose-root.ts";
import { mountOf, parseMountTable } from "./mount-table.ts";

const table = [
  "22 27 0:21 / /proc rw - proc proc rw",
  "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard",
  "28 27 0:25 / /mnt/a\\040b ro,nosuid - tmpfs tmpfs rw",
  "29 27 0:26 / /home rw - xfs /dev/vdb rw",
  "30 29 0:27 / /home/me/remote rw - nfs4 server:/x rw",
  "31 27 0:28 / /sys rw - sysfs sysfs rw",
  "32 27 0:29 / /boot rw - vfat /dev/vdc ro",
  "33 27 0:30 / /srv rw - tmpfs first rw",
  "34 33 0:31 / /srv rw - ext4 second rw",
  "",
].join("\n");

describe("a mount table", () => {
  const mounts = parseMountTable(table);

  test("has the topmost mount of each place", () => {
    assert.deepEqual(
      mounts.find(({ path }) => path === "/srv"),
      { path: "/srv", type: "ext4", readonly: false },
    );
    assert.equal(mounts.filter(({ path }) => path === "/srv").length, 1);
  });

  test("has names with blanks, and what is read-only in either way", () => {
    assert.deepEqual(
      mounts.find(({ path }) => path === "/mnt/a b"),
      { path: "/mnt/a b", type: "tmpfs", readonly: true },
    );
    assert.equal(mounts.find(({ path }) => path === "/boot")?.readonly, true);
  });

  test("tells what a path lies on, in whatever order things were mounted", () => {
    assert.equal(mountOf("/home/me", mounts)?.type, "xfs");
    assert.equal(mountOf("/homework", mounts)?.type, "ext4");
    assert.equal(mountOf("/proc/1", mounts)?.type, "proc");
    assert.equal(mountOf("/", mounts)?.type, "ext4");
  });
});

/** `null`: may not be looked into. Text: a link. Number: a file of that mode. */
type Tree = { readonly [name: string]: Tree | string | number | null };

function directories(tree: Tree): HostDirectories {
  const at = (path: string): Tree | null =>
    path
      .split("/")
      .filter((part) => part !== "")
      .reduce<Tree | null>((node, name) => node?.[name] as Tree | null, tree);
  return {
    list: (path) => {
      const node = at(path);
      return node === null ? undefined : Object.entries(node).map(describeEntry);
    },
    isEmpty: (path) => Object.keys(at(path) ?? {}).length === 0,
  };
}

function describeEntry([name, node]: readonly [string, Tree | string | number | null]): HostEntry {
  if (typeof node === "string") return { name, kind: "symlink", mode: 0o777, target: node };
  if (typeof node === "number") return { name, kind: node < 0 ? "other" : "file", mode: Math.abs(node) };
  return { name, kind: "directory", mode: 0o755 };
}

const host: Tree = {
  bin: "usr/bin",
  usr: { bin: {} },
  etc: { passwd: 0o644 },
  proc: { 1: {} },
  sys: { x: {} },
  home: { me: { remote: { x: 0o644 }, file: 0o600, socket: -0o666 }, you: { x: 0o644 } },
  boot: { vmlinuz: 0o644 },
  srv: {},
  root: null,
  mnt: { "a b": { x: 0o644 } },
  "swap.img": 0o600,
};

function compose(locked: boolean): readonly TreeEntry[] {
  return composeRoot({
    root: "/",
    mounts: parseMountTable(table),
    directories: directories(host),
    emptied: ["proc", "sys"],
    locked,
  });
}

describe("the host's root as a tree", () => {
  test("is, in a user namespace, taken apart above everything that is mounted", () => {
    assert.deepEqual(compose(true), [
      { kind: "symlink", path: "bin", target: "usr/bin" },
      { kind: "overlay", path: "usr", lower: "/usr" },
      { kind: "overlay", path: "etc", lower: "/etc" },
      { kind: "directory", path: "proc", mode: 0o755 },
      { kind: "directory", path: "sys", mode: 0o755 },
      { kind: "directory", path: "home", mode: 0o755 },
      { kind: "directory", path: "home/me", mode: 0o755 },
      // A server's files cannot lie under an overlay.
      { kind: "bind", path: "home/me/remote", source: "/home/me/remote", file: false },
      { kind: "bind", path: "home/me/file", source: "/home/me/file", file: true },
      { kind: "overlay", path: "home/you", lower: "/home/you" },
      { kind: "bind", path: "boot", source: "/boot", file: false },
      // Empty, or nobody's to look into: the container's own.
      { kind: "directory", path: "srv", mode: 0o755 },
      { kind: "directory", path: "root", mode: 0o755 },
      { kind: "directory", path: "mnt", mode: 0o755 },
      { kind: "overlay", path: "mnt/a b", lower: "/mnt/a b" },
      { kind: "bind", path: "swap.img", source: "/swap.img", file: true },
    ]);
  });

  test("is, for root, not taken apart above what holds no files", () => {
    const mounts = parseMountTable(
      "1 0 8:1 / / rw - ext4 a rw\n2 1 0:1 / /var/proc rw - proc proc rw\n3 1 8:2 / /home rw - ext4 b rw",
    );
    const tree = { var: { proc: {}, log: {} }, home: { x: {} } };
    const entries = (locked: boolean): readonly TreeEntry[] =>
      composeRoot({ root: "/", mounts, directories: directories(tree), emptied: [], locked });
    assert.deepEqual(entries(false), [
      { kind: "overlay", path: "var", lower: "/var" },
      { kind: "overlay", path: "home", lower: "/home" },
    ]);
    assert.deepEqual(entries(true), [
      { kind: "directory", path: "var", mode: 0o755 },
      { kind: "directory", path: "var/proc", mode: 0o755 },
      { kind: "directory", path: "var/log", mode: 0o755 },
      { kind: "overlay", path: "home", lower: "/home" },
    ]);
  });

  test("has an empty place where programs put what is theirs for a while", () => {
    const mounts = parseMountTable("1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / /tmp/.mount_app rw - fuse.app b rw");
    const tree = { tmp: { ".mount_app": { x: 0o644 }, file: 0o600 } };
    const entries = composeRoot({ root: "/", mounts, directories: directories(tree), emptied: [], locked: true });
    assert.deepEqual(entries, [{ kind: "directory", path: "tmp", mode: 0o755 }]);
  });

  test("is bound where taking it apart would go too far", () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`d${index}`, { x: 0o644 }]));
    const mounts = parseMountTable("1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /var/d7 rw - ext4 b rw");
    const entries = composeRoot({
      root: "/",
      mounts,
      directories: directories({ var: many }),
      emptied: [],
      locked: true,
    });
    assert.deepEqual(entries, [{ kind: "bind", path: "var", source: "/var", file: false }]);
  });
});
