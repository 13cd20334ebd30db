import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { defaultSpec } from "./default-spec.ts";
import { stringifyJson } from "./json-text.ts";

test("runc runs the default config", (t) => {
  if (process.getuid?.() !== 0) return t.skip("needs root");
  const bundle = mkdtempSync(join(tmpdir(), "orlop-default-"));
  t.after(() => rmSync(bundle, { recursive: true }));
  mkdirSync(join(bundle, "rootfs/bin"), { recursive: true });
  try {
    copyFileSync("/bin/busybox", join(bundle, "rootfs/bin/busybox"));
    execFileSync("chroot", [join(bundle, "rootfs"), "/bin/busybox", "true"]);
    execFileSync("runc", ["--version"]);
  } catch (error) {
    return t.skip(`needs busybox-static and runc: ${error}`);
  }
  const args = ["/bin/busybox", "grep", "CapBnd", "/proc/self/status"];
  writeFileSync(join(bundle, "config.json"), stringifyJson(defaultSpec({ args })));
  const output = execFileSync("runc", ["run", "--bundle", bundle, `orlop-default-${process.pid}`], {
    encoding: "utf8",
  });
  // The eleven bits of DEFAULT_CAPABILITIES by their numbers in linux/capability.h.
  const bits = [0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 31].reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
  assert.equal(output.trim(), `CapBnd:\t${bits.toString(16).padStart(16, "0")}`);
});
