import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HostDirectories } from "../image/compose-root.ts";
import { parseMountTable } from "../image/mount-table.ts";
import { type CapturePlan, composeCapture, showsPath } from "./compose-capture.ts";

const mounts = parseMountTable(
  [
    "1 0 8:1 / / rw - ext4 a rw",
    "2 1 0:4 / /proc rw - proc proc rw",
    "3 1 0:5 / /run rw - tmpfs run rw",
    "4 3 0:6 / /run/user/1000 rw - tmpfs user rw",
    "5 6 0:7 / /home/me/remote rw - fuse.sshfs s rw",
    "6 1 8:2 / /home rw - xfs b rw",
    "7 1 8:3 / /boot/efi rw - vfat c rw",
    "8 1 0:8 / /snap ro - squashfs d ro",
    "9 1 0:9 / /etc/hosts rw - ext4 a rw",
    "10 1 0:10 / /tmp rw - tmpfs tmp rw",
    "11 10 0:11 / /tmp/.mount_app rw - fuse.app e rw",
    "12 1 0:12 / /srv/merged rw - overlay f rw",
    "13 1 0:13 / /gone rw - ext4 g rw",
  ].join("\n"),
);

const FOUND: Readonly<Record<string, readonly string[]>> = {
  "/": ["home", "proc", "run", "tmp", "usr", "var"],
  "/home": ["me"],
  "/home/me": ["remote", "work"],
  "/home/me/remote": ["x"],
  "/home/me/work": ["x"],
  "/snap": ["x"],
  "/usr": ["x"],
  "/var": ["tmp"],
};

const directories: HostDirectories = {
  list: (path) => FOUND[path]?.map((name) => ({ name, kind: "directory", mode: 0o755 }) as const) ?? [],
  isEmpty: (path) => (FOUND[path] ?? []).length === 0,
};

function compose(locked: boolean, workdir = "/home/me"): CapturePlan {
  return composeCapture({
    mounts,
    directories,
    kindOf: (path) => (path === "/gone" ? undefined : path === "/etc/hosts" ? "file" : "directory"),
    emptied: ["proc", "run"],
    workdir,
    locked,
  });
}

describe("this machine's files, with what is written to them captured", () => {
  test("are an overlay for each file system that holds files and can be written to, and the rest read-only", () => {
    assert.deepEqual(compose(false), {
      mounted: [
        { kind: "overlay", path: "home", lower: "/home" },
        { kind: "bind", path: "snap", source: "/snap", file: false },
        { kind: "overlay", path: "tmp", lower: "/tmp" },
        { kind: "bind", path: "boot/efi", source: "/boot/efi", file: false },
        { kind: "bind", path: "etc/hosts", source: "/etc/hosts", file: true },
        // The kernel stacks no more than two, and this is one already.
        { kind: "bind", path: "srv/merged", source: "/srv/merged", file: false },
        { kind: "bind", path: "home/me/remote", source: "/home/me/remote", file: false },
      ],
    });
  });

  test("are taken apart in a user namespace above what is mounted, with places that everybody may write to apart", () => {
    const { skeleton, mounted } = compose(true);
    assert.deepEqual(
      skeleton?.map(({ path }) => path),
      ["home", "home/me", "proc", "run", "tmp"],
    );
    assert.deepEqual(mounted, [
      { kind: "bind", path: "home/me/remote", source: "/home/me/remote", file: false },
      { kind: "overlay", path: "home/me/work", lower: "/home/me/work" },
      { kind: "overlay", path: "usr", lower: "/usr" },
      { kind: "overlay", path: "var", lower: "/var" },
      { kind: "overlay", path: "var/tmp", lower: "/var/tmp" },
    ]);
  });

  const places = (plan: CapturePlan): readonly string[] =>
    [...(plan.skeleton ?? []), ...plan.mounted].flatMap(({ kind, path }) =>
      path.startsWith("tmp/") ? `${kind} ${path}` : [],
    );

  test("have the directory that the command begins in, also where others that are passing are not shown", () => {
    assert.deepEqual(places(compose(true)), []);
    assert.deepEqual(places(compose(true, "/tmp")), []);
    assert.deepEqual(places(compose(true, "/tmp/mine/deep")), ["overlay tmp/mine"]);
    // Behind what is mounted there, of a type that is no layer.
    assert.deepEqual(places(compose(true, "/tmp/.mount_app/x")), ["bind tmp/.mount_app"]);
    assert.deepEqual(places(compose(false, "/tmp/mine")), []);
    assert.deepEqual(places(compose(false, "/tmp/.mount_app/x")), ["bind tmp/.mount_app"]);
  });

  test("are known to be shown or not", () => {
    for (const [path, isShown] of [
      ["/home/me/work/x", true],
      ["/tmp/other", false],
      ["/tmp/mine", true],
    ] as const) {
      assert.equal(showsPath(compose(true, "/tmp/mine/deep"), path), isShown, path);
    }
    assert.ok(showsPath(compose(false), "/tmp/other"));
  });
});
