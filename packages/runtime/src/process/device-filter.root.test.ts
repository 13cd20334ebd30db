import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmdirSync } from "node:fs";
import { suite, type TestContext, test } from "node:test";
import type { LinuxDeviceCgroup } from "@orlop/core";
import {
  type CgroupDirectory,
  emitReport,
  ProgramBuilder,
  planUpdate,
  readCgroupLayout,
  reportBuffer,
  Zygote,
} from "@orlop/kernel";
import { emitAttachDeviceFilter } from "./device-filter.ts";
import { FollowedProgram } from "./followed-program.ts";
import { readHostView } from "./host-view.ts";
import { bounded } from "./process-bench-fixture.ts";
import { updateCgroups } from "./update-cgroups.ts";

/** What no container may do by itself: read and write the kernel's log. */
const READ: LinuxDeviceCgroup = { allow: true, type: "c", major: 1, minor: 11, access: "r" };
const WRITE: LinuxDeviceCgroup = { ...READ, access: "w" };

/** A cgroup of version 2 with filters as a container's has them. */
class FilteredCgroup implements Disposable {
  readonly directory: CgroupDirectory;
  readonly #zygote = Zygote.start();
  readonly #host = readHostView();

  constructor(path: string) {
    mkdirSync(path);
    this.directory = { version: 2, label: "unified", controllers: [], path, noPrefix: false };
  }

  update(devices: readonly LinuxDeviceCgroup[]): Promise<void> {
    const runner = { zygote: this.#zygote, host: this.#host };
    return bounded("the update", updateCgroups(runner, [this.directory], { devices }));
  }

  /** One more filter beside those that are there. */
  async add(devices: readonly LinuxDeviceCgroup[]): Promise<void> {
    const options = { rootless: false, readCurrent: () => undefined };
    const [operation] = planUpdate([this.directory], { devices }, options);
    assert(operation?.kind === "attach-device-filter");
    const p = new ProgramBuilder(this.#host.architecture);
    const report = reportBuffer(p);
    p.step({ action: "attach another filter" });
    emitAttachDeviceFilter(p, operation);
    emitReport(p, report, "created");
    emitReport(p, report, "ended", { index: 0 });
    p.call("exit_group", [0]);
    const program = p.build();
    const followed = new FollowedProgram(program);
    this.#zygote.submit(program, followed.onReport);
    await bounded("another filter", followed.started.promise);
  }

  /** What a process in the cgroup may do. */
  allowed(): string {
    const tries = "(exec 3</dev/kmsg) 2>/dev/null && echo read; (exec 3>/dev/kmsg) 2>/dev/null && echo write";
    const script = `echo $$ >${this.directory.path}/cgroup.procs && { ${tries}; true; }`;
    const { stdout, status, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout.trim().replaceAll("\n", " ");
  }

  [Symbol.dispose](): void {
    this.#zygote.close();
    rmdirSync(this.directory.path);
  }
}

async function withCgroup(t: TestContext, work: (cgroup: FilteredCgroup) => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return t.skip("needs root");
  const { v2 } = readCgroupLayout();
  if (v2 === undefined) return t.skip("needs a cgroup2 mount");
  using cgroup = new FilteredCgroup(`${v2.mountPoint}/orlop-device-filter-${process.pid}`);
  if (cgroup.allowed() !== "read write") return t.skip("needs leave to read and write /dev/kmsg");
  await work(cgroup);
}

suite("an update of device rules on cgroup version 2", () => {
  test("attaches a filter, and replaces it", (t) =>
    withCgroup(t, async (cgroup) => {
      await cgroup.update([READ]);
      assert.equal(cgroup.allowed(), "read");
      await cgroup.update([WRITE]);
      assert.equal(cgroup.allowed(), "write");
      await cgroup.update([READ, WRITE]);
      assert.equal(cgroup.allowed(), "read write");
      await cgroup.update([]);
      assert.equal(cgroup.allowed(), "");
    }));

  test("takes away every filter that was there", (t) =>
    withCgroup(t, async (cgroup) => {
      for (const devices of [[READ], [WRITE], []]) await cgroup.add(devices);
      assert.equal(cgroup.allowed(), "");
      await cgroup.update([READ, WRITE]);
      assert.equal(cgroup.allowed(), "read write");
    }));

  test("of a cgroup that is gone is refused by the field", (t) =>
    withCgroup(t, async (cgroup) => {
      rmdirSync(cgroup.directory.path);
      await assert.rejects(cgroup.update([READ]), {
        code: "not-found",
        field: "linux.resources.devices",
        message: /^Cannot replace the device filter of "/,
      });
      mkdirSync(cgroup.directory.path);
    }));
});
