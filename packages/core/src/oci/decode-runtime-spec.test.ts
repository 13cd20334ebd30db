import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { OrlopError } from "../errors.ts";
import { checkRuntimeSpec, decodeConfigProcess, decodeRuntimeSpec } from "./decode-runtime-spec.ts";
import { assertRefused } from "./fixtures/assert-refused.ts";
import { EXAMPLE_CONFIG } from "./fixtures/example-config.ts";
import { jsonWith } from "./fixtures/json-with.ts";
import { parseJson, stringifyJson } from "./json-text.ts";
import { RLIM_INFINITY } from "./process.ts";

test("decodes a config with every member, and encoding gives the same document", () => {
  const spec = decodeRuntimeSpec(EXAMPLE_CONFIG);
  assert.deepEqual(parseJson(stringifyJson(spec)), parseJson(EXAMPLE_CONFIG));
  assert.match(stringifyJson(spec), /"com.example.extension":\[1,2.5,null,18446744073709551615\]/);
  assert.deepEqual(decodeRuntimeSpec(Buffer.from(EXAMPLE_CONFIG)), spec);
});

test("keeps 64-bit values exact", () => {
  const { process, linux } = decodeRuntimeSpec(EXAMPLE_CONFIG);
  assert.equal(process?.rlimits?.[0]?.hard, 1024);
  assert.equal(process?.rlimits?.[1]?.hard, RLIM_INFINITY);
  assert.equal(process?.scheduler?.period, 2n ** 63n - 1n);
  assert.equal(linux?.resources?.memory?.swap, 2n ** 63n - 1n);
  assert.equal(linux?.resources?.memory?.limit, 536870912);
  assert.equal(linux?.seccomp?.syscalls?.[1]?.args?.[0]?.value, 2n ** 64n - 1n);
  assert.equal(linux?.timeOffsets?.boottime?.secs, 2n ** 63n - 1n);
});

test("decodes what runc spec writes", (t) => {
  const bundle = mkdtempSync(join(tmpdir(), "orlop-spec-"));
  t.after(() => rmSync(bundle, { recursive: true }));
  for (const flags of [[], ["--rootless"]]) {
    try {
      execFileSync("runc", ["spec", "--bundle", bundle, ...flags]);
    } catch (error) {
      t.skip(`needs runc: ${error}`);
      return;
    }
    const path = join(bundle, "config.json");
    const text = readFileSync(path);
    rmSync(path);
    assert.deepEqual(decodeRuntimeSpec(text), JSON.parse(text.toString()));
  }
});

test("reads null as absent where a member is optional", () => {
  const spec = decodeRuntimeSpec(jsonWith(EXAMPLE_CONFIG, { hooks: null, "linux/resources/memory/limit": null }));
  assert.equal("hooks" in spec, false);
  assert.equal("limit" in (spec.linux?.resources?.memory ?? {}), false);
});

test("takes the smallest config of the spec", () => {
  assert.deepEqual(decodeRuntimeSpec('{"ociVersion":"1.0.0","root":{"path":"rootfs"}}'), {
    ociVersion: "1.0.0",
    root: { path: "rootfs" },
  });
});

test("accepts every version 1.x and no other", () => {
  for (const version of ["1.0.0", "1.0.2-dev", "1.0.0-rc5", "1.3.0+dev", "1.99.0"]) {
    assert.equal(decodeRuntimeSpec(jsonWith(EXAMPLE_CONFIG, { ociVersion: version })).ociVersion, version);
  }
  for (const version of ["0.9.0", "2.0.0", "1.0", "1", "01.0.0", "1.00.0", "1.0.0-", "v1.0.0", ""]) {
    refused({ ociVersion: version }, `"ociVersion": found "${version}", expected a version 1.x.y`);
  }
});

test("allows the sysctls of a joined network namespace, which a pod's containers carry", () => {
  const { linux } = decodeRuntimeSpec(EXAMPLE_CONFIG);
  assert.equal(linux?.sysctl?.["net.ipv4.ip_forward"], "1");
});

test("allows mappings beside a joined user namespace, as containerd and CRI-O write them", () => {
  decodeRuntimeSpec(jsonWith(EXAMPLE_CONFIG, { "linux/namespaces/5/path": "/proc/1/ns/user" }));
});

test("names the field, the value and what is allowed", () => {
  refused({ "process/cwd": "tmp" }, '"process.cwd": found "tmp", expected an absolute path');
  refused({ "process/args": [] }, '"process.args": found an empty list, expected a list of at least 1');
  refused({ "process/cwd": undefined }, '"process.cwd": the member is required, and missing');
  refused({ "process/terminal": "yes" }, '"process.terminal": found "yes", expected true or false');
  refused({ "process/capabilities/bounding/2": 17 }, '"process.capabilities.bounding[2]": found 17, expected a string');
  refused({ root: undefined }, '"root": the member is required, and missing');
  refused({ root: null }, '"root": found null, expected an object');
  refused({ "root/path": "" }, '"root.path": found "", expected a string that is not empty');
  refused({ "mounts/0/destination": undefined }, '"mounts[0].destination": the member is required, and missing');
  refused({ "mounts/0/options": "ro" }, '"mounts[0].options": found "ro", expected a list');
  refused({ hostname: "x".repeat(65) }, `"hostname": found "${"x".repeat(65)}", expected at most 64 bytes`);
  refused({ hostname: "ä".repeat(33) }, "expected at most 64 bytes");
  refused({ "annotations/x": 1 }, '"annotations.x": found 1, expected a string');
  refused({ "annotations/": "x" }, '"annotations[""]": found "", expected a name that is not empty');
  refused({ "hooks/poststop/0/path": "true" }, '"hooks.poststop[0].path": found "true", expected an absolute path');
  refused({ "hooks/createRuntime/0/timeout": 0 }, '"hooks.createRuntime[0].timeout": found 0, expected an integer');
});

test("puts the field and the operation on the error", () => {
  assert.throws(
    () => decodeRuntimeSpec(jsonWith(EXAMPLE_CONFIG, { "process/cwd": 1 })),
    (error) =>
      error instanceof OrlopError &&
      error.code === "invalid" &&
      error.field === "process.cwd" &&
      error.operation === "decode OCI runtime config",
  );
});

test("refuses NUL and lone surrogates in what reaches the kernel", () => {
  for (const pointer of [
    "process/args/0",
    "process/env/0",
    "process/cwd",
    "process/apparmorProfile",
    "process/selinuxLabel",
    "root/path",
    "hostname",
    "domainname",
    "mounts/1/destination",
    "mounts/1/type",
    "mounts/1/source",
    "mounts/1/options/0",
    "hooks/createRuntime/0/path",
    "hooks/createRuntime/0/args/0",
    "hooks/createRuntime/0/env/0",
    "linux/cgroupsPath",
    "linux/namespaces/1/path",
    "linux/devices/0/path",
    "linux/maskedPaths/0",
    "linux/readonlyPaths/0",
    "linux/mountLabel",
    "linux/sysctl/net.ipv4.ip_forward",
    "linux/resources/unified/memory.high",
    "linux/seccomp/listenerPath",
  ]) {
    refused({ [pointer]: "/a\0b" }, 'found "/a\\u0000b", expected a string without NUL');
    refused({ [pointer]: "/a\ud800" }, "expected well-formed Unicode");
  }
});

test("refuses what needs a namespace that the container does not have", () => {
  refused(namespaces("user", "network"), '"hostname": it needs a namespace of type uts');
  refused({ hostname: "", ...namespaces("user", "network") }, '"domainname": it needs a namespace of type uts');
  refused(namespaces("uts", "network"), '"linux.uidMappings": it needs a namespace of type user');
  refused({ "linux/uidMappings": [], ...namespaces("uts") }, '"linux.gidMappings": it needs a namespace of type user');
  refused(namespaces("uts", "user", "time", "ipc"), '"linux.netDevices": it needs a namespace of type network');
  refused(
    { "linux/netDevices": {}, ...namespaces("uts", "user", "time", "ipc") },
    '"linux.sysctl["net.ipv4.ip_forward"]": it needs a namespace of type network',
  );
  refused(
    namespaces("uts", "user", "time", "network"),
    '"linux.sysctl["kernel.shmmax"]": it needs a namespace of type ipc',
  );
  refused(namespaces("uts", "user", "network"), '"linux.timeOffsets": it needs a namespace of type time');
});

test("refuses time offsets for a namespace that already runs", () => {
  refused(
    { "linux/namespaces/7/path": "/proc/1/ns/time" },
    'it needs a new time namespace, and the container joins "/proc/1/ns/time"',
  );
});

test("refuses sysctls of the whole machine", () => {
  refused({ "linux/sysctl": { "kernel.core_pattern": "|/x" } }, '["kernel.core_pattern"]": it belongs to no namespace');
  refused({ "linux/sysctl": { "vm.swappiness": "1" } }, "belongs to no namespace");
  refused({ "linux/sysctl": { "kernel.hostname": "x" } }, "the field for it is hostname");
  refused({ domainname: "a", "linux/sysctl": { "kernel.domainname": "b" } }, 'found "b", and domainname is "a"');
});

test("refuses an idmapped mount without mappings", () => {
  refused({ "mounts/7/gidMappings": undefined }, '"mounts[7].uidMappings": it needs gidMappings');
  refused({ "mounts/7/uidMappings": undefined }, '"mounts[7].gidMappings": it needs uidMappings');
  const unmapped = { "mounts/7/uidMappings": undefined, "mounts/7/gidMappings": undefined };
  // The mappings of the container's user namespace will do.
  decodeRuntimeSpec(jsonWith(EXAMPLE_CONFIG, unmapped));
  const noUserNamespace = {
    "linux/uidMappings": [],
    "linux/gidMappings": [],
    ...namespaces("uts", "network", "ipc", "time"),
  };
  refused({ ...unmapped, ...noUserNamespace }, '"mounts[7].options": ridmap needs uidMappings and gidMappings');
});

test("checks a value made in memory without changing it", () => {
  const spec = { ociVersion: "1.3.0", root: { path: "/r" }, hostname: undefined };
  assert.equal(checkRuntimeSpec(spec), spec);
  const withNull = Object.freeze({ ociVersion: "1.3.0", root: { path: "/r" }, hooks: null });
  assert.deepEqual(checkRuntimeSpec(withNull), { ociVersion: "1.3.0", root: { path: "/r" } });
  assert.throws(() => checkRuntimeSpec("x"), /Cannot decode OCI runtime config: found "x", expected an object/);
});

function namespaces(...types: readonly string[]): Readonly<Record<string, unknown>> {
  return { "linux/namespaces": types.map((type) => ({ type })) };
}

function refused(changes: Readonly<Record<string, unknown>>, expected: string): void {
  assertRefused(decodeRuntimeSpec, EXAMPLE_CONFIG, changes, `Cannot decode OCI runtime config "`);
  assertRefused(decodeRuntimeSpec, EXAMPLE_CONFIG, changes, expected);
}

test("decodes the process alone of a config of which nothing else is used", () => {
  const { process } = parseJson(EXAMPLE_CONFIG) as { process: unknown };
  assert.deepEqual(decodeConfigProcess(EXAMPLE_CONFIG), process);
  assert.deepEqual(decodeConfigProcess(jsonWith(EXAMPLE_CONFIG, { "mounts/0/destination": 7 })), process);
  assert.equal(decodeConfigProcess("{}"), undefined);
  const problem = 'Cannot decode OCI runtime config "process.cwd": found ".", expected an absolute path';
  assertRefused(decodeConfigProcess, EXAMPLE_CONFIG, { "process/cwd": "." }, problem);
});
