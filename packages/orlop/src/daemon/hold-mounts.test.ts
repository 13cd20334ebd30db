import assert from "node:assert/strict";
import { test } from "node:test";
import type { CreateRequest, Mount, RootFilesystem } from "@orlop/core";
import { defaultSpec } from "@orlop/core";
import { stayInUse } from "./hold-mounts.ts";

const STATE = "/run/somebody";
const OVERLAY: RootFilesystem = { kind: "overlay", lower: ["/usr"], writes: "discard" };
/** Of another file system than the root's on every machine. */
const ELSEWHERE = "/proc/self";

function stays(rootfs: RootFilesystem, ...more: readonly Mount[]): boolean {
  const spec = defaultSpec();
  const request: Pick<CreateRequest, "rootfs" | "spec"> = {
    rootfs,
    spec: { ...spec, mounts: [...(spec.mounts ?? []), ...more] },
  };
  return stayInUse({ id: "one", bundle: "/", stdio: NO_STDIO, ...request }, STATE);
}

const NO_STDIO: CreateRequest["stdio"] = { stdin: "null", stdout: "null", stderr: "null" };

test("what a container shows of the machine's own disk and of its own files is in use anyway", () => {
  const hosts = { destination: "/etc/hosts", type: "bind", source: `${STATE}/files-1/hosts`, options: ["bind"] };
  assert.equal(stays(OVERLAY, hosts), true);
  assert.equal(stays({ kind: "overlay", lower: ["/proc/12/fd/901"], writes: "discard" }), true);
  assert.equal(stays({ kind: "overlay", lower: ["/usr"], writes: { upper: "/usr", work: "/var" } }), true);
});

test("what somebody could unmount or remove after the call is not held", () => {
  const bound = (source: string, option: string): Mount => ({
    destination: "/x",
    type: "bind",
    source,
    options: [option],
  });
  assert.equal(stays({ kind: "directory", path: ELSEWHERE }), false);
  assert.equal(stays({ kind: "overlay", lower: ["/usr", ELSEWHERE], writes: "discard" }), false);
  assert.equal(stays({ kind: "overlay", lower: ["/usr"], writes: { upper: ELSEWHERE, work: "/var" } }), false);
  assert.equal(
    stays({ kind: "disk", type: "ext4", source: "/dev/x", loop: false, readonly: true, options: [] }),
    false,
  );
  assert.equal(stays(OVERLAY, bound(ELSEWHERE, "bind")), false);
  // Others may be mounted below it.
  assert.equal(stays(OVERLAY, bound("/usr", "rbind")), false);
  assert.equal(stays(OVERLAY, { destination: "/x", type: "nfs", source: "server:/x" }), false);
  assert.equal(stays(OVERLAY, bound("/no/such/place", "bind")), false);
});
