import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { CreateRequest, Mount } from "@orlop/core";
import { temporaryDirectory } from "@orlop/testkit";
import { hostedSpec, rootOf } from "./hosted-spec.ts";

function request(bundle: string, mounts: readonly Mount[], changes: Partial<CreateRequest> = {}): CreateRequest {
  const process = { user: { uid: 0, gid: 0 }, args: ["sh", "-c", "true"], cwd: "/" };
  const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
  return {
    id: "a",
    bundle,
    spec: { ociVersion: "1.0.2", root: { path: "rootfs" }, process, mounts },
    stdio,
    ...changes,
  };
}

function withBundle(check: (bundle: string) => void): void {
  using directory = temporaryDirectory();
  mkdirSync(join(directory.path, "rootfs"));
  mkdirSync(join(directory.path, "data"));
  writeFileSync(join(directory.path, "file"), "");
  check(directory.path);
}

describe("the config that another program is given", () => {
  test("has absolute paths, and recursive attributes only where something can lie below", () =>
    withBundle((bundle) => {
      const mounts: readonly Mount[] = [
        { destination: "/proc", type: "proc", source: "proc" },
        { destination: "/data", source: "data", options: ["rbind", "rro"] },
        { destination: "/file", type: "bind", source: "file", options: ["rbind", "rro", "rprivate", "rnosuid", "ro"] },
      ];
      const asked = request(bundle, mounts);
      assert.deepEqual(rootOf(asked), { kind: "directory", path: join(bundle, "rootfs") });
      const { root, mounts: given, linux } = hostedSpec(asked, "/elsewhere", "/init");
      assert.equal(linux?.cgroupsPath, "/orlop/a");
      assert.equal(root.path, "/elsewhere");
      assert.deepEqual(given, [
        mounts[0],
        { ...mounts[1], source: join(bundle, "data") },
        { ...mounts[2], source: join(bundle, "file"), options: ["rbind", "ro", "rprivate", "nosuid", "ro"] },
      ]);
    }));

  test("puts an init in front where one is asked for", () =>
    withBundle((bundle) => {
      const { process, mounts } = hostedSpec(request(bundle, [], { init: true }), "/r", "/init");
      assert.deepEqual(process?.args, ["/dev/orlop-init", "--", "sh", "-c", "true"]);
      assert.deepEqual(
        mounts?.map(({ destination, source }) => [destination, source]),
        [["/dev/orlop-init", "/init"]],
      );
    }));

  test("is refused where the host does not have what it names", () =>
    withBundle((bundle) => {
      const lost = [{ destination: "/d", source: "nowhere", options: ["bind"] }];
      const mounted = (): unknown => hostedSpec(request(bundle, lost), "/r", "/init");
      assert.throws(mounted, { code: "not-found", field: "mounts[0].source" });
      const rootfs = { kind: "overlay", lower: [bundle, join(bundle, "no")], writes: "discard" } as const;
      assert.throws(() => hostedSpec(request(bundle, [], { rootfs }), "/r", "/init"), {
        code: "not-found",
        field: "root.path",
      });
    }));
});
