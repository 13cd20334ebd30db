import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readMachineView } from "../run/machine-view.ts";
import { readSandboxOptions } from "./read-sandbox-options.ts";
import type { SandboxOptions } from "./sandbox-options.ts";

const machine = { ...readMachineView(), cwd: "/here", cpuCount: 4, swapLimits: true };
const read = (options: Partial<SandboxOptions>) => readSandboxOptions({ image: "host", ...options }, machine);

describe("the options of a sandbox", () => {
  test("deny what is not asked for", () => {
    const run = read({});
    assert.deepEqual(run.runtime, { kind: "process" });
    assert.deepEqual(run.network, { kind: "none" });
    assert.equal(run.security.noNewPrivileges, true);
    assert.deepEqual([run.mounts, run.devices, run.capabilities.add, run.limits], [[], [], [], {}]);
  });

  test("name handlers", () => {
    assert.deepEqual(read({ isolation: { min: "process" } }).runtime, { kind: "process" });
    assert.deepEqual(read({ isolation: "oci:runc" }).runtime, { kind: "oci", program: "runc" });
    const shim = "io.containerd.runc.v2";
    assert.deepEqual(read({ isolation: `shim:${shim}` }).runtime, { kind: "shim", program: shim });
  });

  test("name images in each way", () => {
    const image = (given: SandboxOptions["image"]) => read({ image: given }).image;
    assert.deepEqual(image("host"), { kind: "host" });
    assert.deepEqual(image({ dir: "root" }), { kind: "directory", path: "/here/root", writable: false });
    assert.deepEqual(image({ dir: "/r", writable: true }), { kind: "directory", path: "/r", writable: true });
    assert.deepEqual(image({ oci: "a:b", tag: "1" }), { kind: "oci-layout", path: "/here/a:b", tag: "1" });
    assert.equal(image("debian:bookworm").kind, "registry");
    assert.throws(() => image("dir:/x"), { code: "invalid", field: "image", message: /it is given as \{ dir \}/ });
  });

  test("set limits", () => {
    const { limits } = read({ memory: "512MiB", cpus: 0.5, pids: 64 });
    assert.deepEqual(limits, {
      memory: { limit: 536_870_912, swap: 536_870_912 },
      cpu: { period: 100_000, quota: 50_000 },
      pids: { limit: 64 },
    });
    assert.equal(read({ disk: "1GiB" }).storageSizeMaxBytes, 1_073_741_824);
    assert.deepEqual(read({ memory: 10_000_000 }).limits.memory, { limit: 10_000_000, swap: 10_000_000 });
  });

  test("mount what is named, read-only unless said otherwise", () => {
    const { mounts } = read({
      mounts: [
        { from: ".", to: "/a/../b/" },
        { from: "/x", to: "/c", mode: "rw" },
        { from: "/", to: "/d", mode: "overlay" },
      ],
    });
    assert.deepEqual(
      mounts.map(({ mount, discards }) => [mount.source, mount.destination, mount.options, discards]),
      [
        ["/here", "/b", ["rbind", "rro", "rprivate"], undefined],
        ["/x", "/c", ["rbind", "rprivate"], undefined],
        ["/", "/d", ["bind", "rprivate"], true],
      ],
    );
  });

  test("are refused by name when they mean nothing", () => {
    const refused: readonly (readonly [options: object, field: string, code?: string])[] = [
      [{ imgae: "host" }, "imgae"],
      [{ toString: 1 }, "toString"],
      [{ secrets: [] }, "secrets"],
      [{ image: undefined }, "image"],
      [{ image: { dir: "a", oci: "b" } }, "image"],
      [{ image: { dir: "a", tag: "b" } }, "image"],
      [{ image: "UPPER CASE" }, "image"],
      [{ env: { "A=B": "" } }, "env"],
      [{ env: { A: 1 } }, "env"],
      [{ workdir: "work" }, "workdir"],
      [{ user: "" }, "user"],
      [{ memory: "many" }, "memory"],
      [{ memory: "1MiB" }, "memory"],
      [{ memory: 1.5 }, "memory"],
      [{ disk: 0 }, "disk"],
      [{ disk: "0" }, "disk"],
      [{ cpus: 0 }, "cpus"],
      [{ cpus: 5 }, "cpus"],
      [{ pids: 0 }, "pids"],
      [{ timeoutMs: 0 }, "timeoutMs"],
      [{ timeoutMs: 2 ** 31 }, "timeoutMs"],
      [{ signal: {} }, "signal"],
      [{ network: "a b" }, "network"],
      [{ network: 1 }, "network"],
      [{ network: { network: "x" } }, "network"],
      [{ network: { name: "host", allow: [] } }, "network"],
      [{ network: { allow: "192.0.2.7" } }, "allow"],
      [{ network: { allow: ["192.0.2.7:x"] } }, "network"],
      [{ network: { allow: ["all"] } }, "network"],
      [{ mounts: {} }, "mounts"],
      [{ mounts: [{ from: "/a" }] }, "mounts[0]"],
      [{ mounts: [{ from: "/a", to: "/" }] }, "mounts[0]"],
      [{ mounts: [{ from: "/a", to: "/b", mode: "x" }] }, "mode"],
      [{ mounts: [{ from: "/a", to: "/b", owner: "me" }] }, "owner"],
      [{ mounts: [{ from: "/proc/version", to: "/b", mode: "overlay" }] }, "mounts[0]"],
      [{ mounts: [{ from: "/no/such", to: "/b", mode: "overlay" }] }, "mounts[0]", "not-found"],
      [
        {
          mounts: [
            { from: "/a", to: "/b" },
            { from: "/c", to: "/b" },
          ],
        },
        "mounts[1]",
      ],
      [{ labels: [] }, "labels"],
      [{ isolation: "strong" }, "isolation"],
      [{ isolation: "oci:" }, "isolation"],
      [{ isolation: "oci:a b" }, "isolation"],
      [{ isolation: { min: "oci:runc" } }, "isolation"],
      [{ isolation: { min: "vm", max: "vm" } }, "isolation"],
      [{ isolation: { min: "vm" } }, "isolation", "unsupported"],
      [{ isolation: "vm" }, "isolation", "unsupported"],
    ];
    for (const [options, field, code = "invalid"] of refused) {
      assert.throws(() => read(options), { name: "OrlopError", code, field, message: /^Cannot create sandbox/ }, field);
    }
  });
});
