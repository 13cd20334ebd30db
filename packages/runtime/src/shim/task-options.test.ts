import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { Codec } from "@orlop/core/protobuf";
import { withTemporaryDirectory } from "@orlop/testkit";
import { taskCgroupDriver } from "./task-options.ts";

const RUNC = new Codec({ Options: { binaryName: [6, "string"], systemdCgroup: [9, "bool"] } } as const);
const GENERIC = new Codec({ Options: { configPath: [2, "string"], configBody: [3, "bytes"] } } as const);

function runc(options: { readonly binaryName?: string; readonly systemdCgroup?: boolean }) {
  return { typeUrl: "containerd.runc.v1.Options", value: RUNC.encode("Options", options) };
}

function toml(text: string) {
  const value = GENERIC.encode("Options", { configBody: Buffer.from(text) });
  return { typeUrl: "types.containerd.io/runtimeoptions.v1.Options", value };
}

suite("options of a task", () => {
  test("have us make its cgroups, unless they name systemd", () => {
    for (const none of [undefined, { typeUrl: "", value: Buffer.alloc(0) }, runc({}), toml(""), toml("# none\n")]) {
      assert.equal(taskCgroupDriver(none), "cgroupfs");
    }
    assert.equal(taskCgroupDriver(runc({ systemdCgroup: true })), "systemd");
    assert.equal(taskCgroupDriver(toml("SystemdCgroup = true # as the kubelet\n")), "systemd");
    assert.equal(taskCgroupDriver(toml("SystemdCgroup=false\n")), "cgroupfs");
  });

  test("are read from the file that containerd names", () =>
    withTemporaryDirectory(async (directory) => {
      const configPath = join(directory, "options.toml");
      const options = { typeUrl: "runtimeoptions.v1.Options", value: GENERIC.encode("Options", { configPath }) };
      assert.throws(() => taskCgroupDriver(options), {
        code: "invalid",
        field: "options.configPath",
        message: /ENOENT/,
      });
      writeFileSync(configPath, "SystemdCgroup = true\n");
      assert.equal(taskCgroupDriver(options), "systemd");
    }));

  test("are refused by name when there are no such ones", () => {
    for (const [options, name] of [
      [runc({ binaryName: "/usr/bin/runc" }), "binaryName"],
      [toml('BinaryName = "/usr/bin/runc"\n'), "BinaryName"],
      [toml("[table]\n"), "[table]"],
    ] as const) {
      assert.throws(() => taskCgroupDriver(options), { code: "unsupported", field: `options.${name}` });
    }
    for (const text of ['SystemdCgroup = "true"', "SystemdCgroup = true\nSystemdCgroup = true", "SystemdCgroup"]) {
      assert.throws(() => taskCgroupDriver(toml(text)), { code: "invalid", field: "options.SystemdCgroup" });
    }
    const foreign = { typeUrl: "example.Options", value: Buffer.alloc(0) };
    assert.throws(() => taskCgroupDriver(foreign), { code: "unsupported", message: /of type "example.Options"/ });
  });
});
