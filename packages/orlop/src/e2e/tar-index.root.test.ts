import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { erofsObstacle } from "@orlop/snapshot";
import { busyboxObstacle, LayoutWriter, makeBusyboxRootfs, makeTar } from "@orlop/testkit";
import { SuiteContext } from "./suite-context-fixture.ts";

const notRoot = process.getuid?.() === 0 ? false : "needs root";
const noImages = erofsObstacle();
const skip = notRoot || busyboxObstacle() || (noImages === undefined ? false : `no EROFS images here: ${noImages}`);

const c = new SuiteContext({ skip, stateDirectory: "/run/orlop", env: { ORLOP_SNAPSHOTTER: "erofs:tar-index" } });

let base: Buffer | undefined;

/** Busybox below this layer. */
function makeLayout(name: string, layer: Buffer): string {
  if (base === undefined) {
    makeBusyboxRootfs(c.place("rootfs"));
    base = execFileSync("tar", ["-C", c.place("rootfs"), "-cf", "-", "."], { maxBuffer: 1 << 26 });
  }
  const layout = new LayoutWriter(c.place(name));
  layout.publish([layout.manifest({ layers: [{ tar: base }, { tar: layer }], config: { Cmd: ["/bin/sh"] } })]);
  return `oci:${layout.directory}`;
}

const digest = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

/** By the ids of snapshots, what the archives beside their images are. */
function archives(): ReadonlyMap<string, string> {
  const directory = join(c.fixture.store, "snapshots/erofs");
  return new Map(
    readdirSync(directory)
      .filter((id) => readdirSync(join(directory, id)).includes("layer.tar"))
      .map((id) => [id, digest(readFileSync(join(directory, id, "layer.tar")))]),
  );
}

describe("an image whose layers are archives with indexes", { skip }, () => {
  test("runs from them, as they came", async () => {
    const layer = makeTar([
      { path: "etc/os-release", content: "ID=test\n" },
      { path: "data/large", content: Buffer.alloc(1_234_567, "large") },
      { path: "data/link", type: "1", target: "data/large" },
      { path: "bin/removed" },
    ]);
    const script = "cat /etc/os-release; sha256sum /data/*; echo new >/data/large; cat /data/large";
    const shown = digest(Buffer.alloc(1_234_567, "large"));
    const lines = ["ID=test", `${shown}  /data/large`, `${shown}  /data/link`, "new"];
    assert.deepEqual((await c.output(makeLayout("image", layer), "sh", "-c", script)).split("\n"), lines);
    assert.deepEqual([...archives().values()].toSorted(), [digest(base ?? ""), digest(layer)].toSorted());
    const [index] = [...archives()].find(([, archive]) => archive === digest(layer)) ?? [];
    const { size } = statSync(join(c.fixture.store, "snapshots/erofs", index ?? "", "layer.erofs"));
    assert.ok(size < 8192, `the index has ${size} bytes`);
  });

  test("is the ground of others, whatever becomes of their layers", async () => {
    const image = makeLayout("mixed", makeTar([{ path: "data/whole", content: "whole" }, { path: "bin/.wh.removed" }]));
    const run = (name: string): Promise<{ stdout: string; stderr: string }> =>
      c.run([name, "cat", "/data/whole"], { env: { ORLOP_SNAPSHOTTER: "erofs" } });
    const before = archives().size;
    const { stdout, stderr } = await run(image);
    assert.equal(stdout, "whole", stderr);
    assert.equal(archives().size, before);
    assert.equal(await c.output(image, "cat", "/data/whole"), "whole");
  });

  test("is made of what a container has written", async () => {
    const name = `written-${process.pid}`;
    const image = `oci:${c.place("image")}`;
    const script = "echo more >/data/more; rm /data/link";
    const args = ["run", ...c.fixture.idFlags(), "--name", name, image, "sh", "-c", script];
    const { exitCode, stderr } = await c.fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    const committed = await c.fixture.orlop(["commit", name, "localhost/committed:1"]);
    assert.equal(committed.exitCode, 0, committed.stderr);
    assert.equal(await c.output("localhost/committed:1", "sh", "-c", "cat /data/more; ls /data"), "more\nlarge\nmore");
    assert.equal((await c.fixture.orlop(["rm", name])).exitCode, 0);
  });

  test("takes its archives along when it is removed", async () => {
    const { stdout } = await c.fixture.orlop(["images", "-q"]);
    for (const id of new Set(stdout.trim().split("\n"))) await c.fixture.orlop(["rmi", "-f", id]);
    const pruned = await c.fixture.orlop(["system", "prune", "-f"]);
    assert.equal(pruned.exitCode, 0, pruned.stderr);
    assert.deepEqual([...archives()], []);
  });

  c.testLeftovers();
});
