import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkRuntimeSpec, decodeRuntimeSpec } from "./decode-runtime-spec.ts";
import { defaultSpec } from "./default-spec.ts";
import { stringifyJson } from "./json-text.ts";

test("is a config that our own decoder takes unchanged", () => {
  const spec = defaultSpec();
  assert.equal(checkRuntimeSpec(spec), spec);
  assert.deepEqual(decodeRuntimeSpec(stringifyJson(spec)), spec);
});

test("is at least as strict as what runc spec writes", (t) => {
  const bundle = mkdtempSync(join(tmpdir(), "orlop-default-"));
  t.after(() => rmSync(bundle, { recursive: true }));
  try {
    execFileSync("runc", ["spec", "--bundle", bundle]);
  } catch (error) {
    t.skip(`needs runc: ${error}`);
    return;
  }
  const theirs = decodeRuntimeSpec(readFileSync(join(bundle, "config.json")));
  const ours = defaultSpec();
  const closed = new Set([...(ours.linux?.maskedPaths ?? []), ...(ours.linux?.readonlyPaths ?? [])]);
  for (const path of theirs.linux?.maskedPaths ?? []) assert.ok(ours.linux?.maskedPaths?.includes(path), path);
  for (const path of theirs.linux?.readonlyPaths ?? []) assert.ok(closed.has(path), path);
  for (const mount of theirs.mounts ?? []) {
    const options = ours.mounts?.find(({ destination }) => destination === mount.destination)?.options;
    for (const option of mount.options ?? []) assert.ok(options?.includes(option), `${mount.destination}: ${option}`);
  }
  const types = new Set(ours.linux?.namespaces?.map(({ type }) => type));
  for (const { type } of theirs.linux?.namespaces ?? []) assert.ok(types.has(type), type);
});

test("gives root's powers to nobody but root", () => {
  const { capabilities } = defaultSpec().process ?? {};
  assert.equal(capabilities?.bounding?.length, 11);
  for (const name of ["CAP_SYS_ADMIN", "CAP_NET_RAW", "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_NET_ADMIN"]) {
    assert.ok(!capabilities.bounding.includes(name), name);
  }
  assert.equal(capabilities.inheritable, undefined);
  assert.equal(capabilities.ambient, undefined);
});

test("takes the command, the root and the CPUs to mask", () => {
  const spec = defaultSpec({ args: ["true"], rootPath: "/", thermalThrottleCpus: [0, 3] });
  assert.deepEqual(spec.process?.args, ["true"]);
  assert.equal(spec.root.path, "/");
  assert.deepEqual(spec.linux?.maskedPaths?.slice(-2), [
    "/sys/devices/system/cpu/cpu0/thermal_throttle",
    "/sys/devices/system/cpu/cpu3/thermal_throttle",
  ]);
});
