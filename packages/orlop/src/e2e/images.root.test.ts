import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import { erofsObstacle } from "@orlop/snapshot";
import { busyboxObstacle, type FixtureEntry, LayoutWriter, makeBusyboxRootfs, makeTar } from "@orlop/testkit";
import { SuiteContext } from "./suite-context-fixture.ts";

const notRoot = process.getuid?.() === 0 ? false : "needs root";
const noImages = erofsObstacle();
const skip = notRoot || busyboxObstacle() || (noImages === undefined ? false : `no EROFS images here: ${noImages}`);

const c = new SuiteContext({ skip, stateDirectory: "/run/orlop" });

/** Busybox below these layers. */
function makeLayout(name: string, layers: readonly (readonly FixtureEntry[])[]): string {
  const rootfs = c.place("rootfs");
  if (!existsSync(rootfs)) makeBusyboxRootfs(rootfs);
  const layout = new LayoutWriter(c.place(name));
  const base = execFileSync("tar", ["-C", rootfs, "-cf", "-", "."], { maxBuffer: 1 << 26 });
  const tars = [base, ...layers.map((entries) => makeTar(entries))];
  layout.publish([layout.manifest({ layers: tars.map((tar) => ({ tar })), config: { Cmd: ["/bin/sh"] } })]);
  return `oci:${layout.directory}`;
}

describe("an image whose layers are mounted", { skip }, () => {
  test("has everything that its layers have, which nobody had to unpack", async () => {
    const image = makeLayout("whole", [
      [
        { path: "etc/passwd", content: "root:x:0:0::/root:/bin/sh\nyou:x:1234:77::/home/you:/bin/sh\n" },
        { path: "home/you/", type: "5", uid: 1234, gid: 77, mode: 0o750 },
        { path: "home/you/pipe", type: "6", uid: 1234 },
        { path: "home/you/zero", type: "3", device: [1, 5], mode: 0o666 },
        { path: "data/old", content: "old" },
        { path: "removed", content: "old" },
      ],
      [{ path: ".wh.removed" }, { path: "data/.wh..wh..opq" }, { path: "data/new", content: "new" }],
    ]);
    const script =
      "id -u; echo $HOME; stat -c '%F %a %u %t:%T' ~ ~/*; ls /data /removed 2>&1; touch ~/w && echo written";
    const { stdout, stderr } = await c.run(["-u", "you", image, "sh", "-c", script]);
    assert.equal(stderr, "");
    assert.deepEqual(stdout.trim().split("\n"), [
      "1234",
      "/home/you",
      "directory 750 1234 0:0",
      "fifo 644 1234 0:0",
      "character special file 666 0 1:5",
      "ls: /removed: No such file or directory",
      "/data:",
      "new",
      "written",
    ]);
  });

  test("can have more layers than fit into one option of the kernel", async () => {
    const layers = Array.from({ length: 60 }, (_, index) => [
      { path: `f${index}`, content: `${index}` },
      { path: "top", content: `${index}` },
    ]);
    const image = makeLayout("many", layers);
    assert.equal(await c.output(image, "sh", "-c", "ls -d /f* | wc -l; cat /top"), "60\n59");
  });

  test("can have a hard link to a file of a layer below", async () => {
    const image = makeLayout("linked", [
      [{ path: "etc/a", content: "a" }],
      [{ path: "b", type: "1", target: "etc/a" }],
    ]);
    assert.equal(await c.output(image, "cat", "/b"), "a");
  });

  test("goes without attributes that no file here can have", async () => {
    const pax = { "SCHILY.xattr.com.apple.provenance": "x" };
    assert.equal(await c.output(makeLayout("odd", [[{ path: "etc/a", content: "a", pax }]]), "cat", "/etc/a"), "a");
  });

  test("can come in an archive, as docker and others write them", async () => {
    const [, layout = ""] = makeLayout("archived", [[{ path: "etc/a", content: "archived" }]]).split(":");
    execFileSync("tar", ["-C", layout, "-czf", c.place("archive.tar.gz"), "."]);
    assert.equal(await c.output(`oci-archive:${c.place("archive.tar.gz")}`, "cat", "/etc/a"), "archived");
    execFileSync("tar", ["-C", layout, "-czf", c.place("none.tar.gz"), "oci-layout"]);
    const { exitCode, stderr } = await c.run([`docker-archive:${c.place("none.tar.gz")}`, "true"]);
    assert.equal(exitCode, 125);
    assert.match(stderr, /Cannot use image archive ".*none.tar.gz": it has no .* and no manifest.json of docker/);
  });

  const noPodman = spawnSync("podman", ["--version"]).error === undefined ? false : "not installed: podman";
  test("can come from podman, whatever it saves", { skip: noPodman }, async () => {
    makeLayout("unused", []);
    const archive = execFileSync("tar", ["-C", c.place("rootfs"), "-cf", "-", "."], { maxBuffer: 1 << 26 });
    const flags = ["--root", c.place("storage"), "--runroot", c.place("storage-run"), "--storage-driver", "vfs"];
    const podman = (args: readonly string[], input?: Buffer): Buffer =>
      execFileSync("podman", [...flags, ...args], { input, stdio: ["pipe", "pipe", "pipe"] });
    podman(["import", "--change", "ENV=WHO=podman", "-", "localhost/saved:1"], archive);
    for (const [format, name] of [
      ["oci-archive", ""],
      ["docker-archive", ""],
      ["docker-archive", ":localhost/saved:1"],
    ]) {
      const path = c.place(`saved-${format}-${name?.length}`);
      podman(["save", "--quiet", "--format", format ?? "", "--output", path, "localhost/saved:1"]);
      assert.equal(await c.output(`${format}:${path}${name}`, "/bin/sh", "-c", "echo $WHO"), "podman");
    }
  });

  c.testLeftovers();
});
