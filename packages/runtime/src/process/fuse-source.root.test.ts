import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Linux, Mount } from "@orlop/core";
import { type ProcessBench, withBench } from "./process-bench-fixture.ts";

const DEVICE = "/dev/fuse";

/**
 * A file system in user space that is another user's alone: the kernel refuses root before it asks the server, so that there
 * need not be one.
 */
class FuseMount implements Disposable {
  readonly #place: string;
  readonly #device: number;

  constructor(place: string, rootMode: string) {
    this.#place = place;
    this.#device = openSync(DEVICE, "r+");
    const options = `fd=3,rootmode=${rootMode},user_id=1,group_id=1`;
    execFileSync("mount", ["-i", "-t", "fuse", "-o", options, "orlop-test", place], {
      stdio: ["ignore", "ignore", "inherit", this.#device],
    });
  }

  [Symbol.dispose](): void {
    closeSync(this.#device);
    execFileSync("umount", [this.#place]);
  }
}

async function withFuse(t: TestContext, work: (bench: ProcessBench) => Promise<void>): Promise<void> {
  if (!existsSync(DEVICE)) return t.skip(`needs ${DEVICE}`);
  await withBench(t, work);
}

test("in a user namespace, a bind's source whose file system tells its kind to no one there is bound all the same", (t) =>
  withFuse(t, async (bench) => {
    bench.makeDirectory("directory");
    writeFileSync(bench.path("file"), "");
    using _directory = new FuseMount(bench.path("directory"), "40000");
    using _file = new FuseMount(bench.path("file"), "100000");
    const bind = (name: string, destination: string): Mount => ({
      destination,
      source: bench.path(name),
      options: ["bind", "nosuid"],
    });
    const mounts = [bind("directory", "/made/directory"), bind("file", "/made/file")];
    const { namespaces = [] } = bench.spec([]).linux ?? {};
    const ids = [{ containerID: 0, hostID: 0, size: 65_536 }];
    const linux: Linux = {
      namespaces: [...namespaces, { type: "user" }],
      uidMappings: ids,
      gidMappings: ids,
    };
    const top = { mounts: [...(bench.spec([]).mounts ?? []), ...mounts] };
    const { output } = await bench.run("grep ' /made/' /proc/self/mountinfo | cut -d ' ' -f 5,6", { top, linux });
    assert.equal(output, "/made/directory rw,nosuid,relatime\n/made/file rw,nosuid,relatime\n");
    assert.ok(statSync(join(bench.rootfs, "made/directory")).isDirectory());
    assert.ok(statSync(join(bench.rootfs, "made/file")).isFile());
  }));
