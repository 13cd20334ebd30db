import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import type { LinuxNamespace, Mount, Process, RuntimeSpec } from "@orlop/core";
import { CAPABILITIES } from "@orlop/kernel";
import { withCommand } from "./command-bench-fixture.ts";

const REPOSITORY = join(import.meta.dirname, "../../../..");

/** Everything that this process may do: a container with it can make containers. */
function ownCapabilities(): readonly string[] {
  const [, effective = ""] = /^CapEff:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return CAPABILITIES.filter((_, number) => (BigInt(`0x${effective}`) >> BigInt(number)) & 1n);
}

/** What Node, the command and the inner bundle need of the host, at the same places. */
function bindsOf(paths: readonly string[]): readonly Mount[] {
  return paths
    .filter((path) => existsSync(path))
    .map((path) => ({ destination: path, source: path, options: ["rbind", "ro"] }));
}

/** A container in which the command makes containers: capabilities, cgroups that it may change, nothing masked. */
function outer(spec: RuntimeSpec, script: string, bundle: string, namespaces: readonly LinuxNamespace[]): RuntimeSpec {
  const all = ownCapabilities();
  const libraries = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];
  const memory = { type: "tmpfs", source: "tmpfs", options: ["mode=755"] };
  const mappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
  const isMapped = namespaces.some(({ type }) => type === "user");
  return {
    ...spec,
    process: {
      ...(spec.process as Process),
      args: ["sh", "-c", script],
      env: ["PATH=/bin", "XDG_CACHE_HOME=/run/cache"],
      capabilities: { bounding: all, effective: all, permitted: all },
    },
    mounts: [
      ...(spec.mounts ?? []).filter(({ type }) => type !== "cgroup" && type !== "sysfs"),
      { destination: "/sys", type: "sysfs", source: "sysfs" },
      { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" },
      { destination: "/run", ...memory },
      ...bindsOf([...libraries, dirname(process.execPath), REPOSITORY, bundle]),
    ],
    linux: {
      ...spec.linux,
      maskedPaths: [],
      readonlyPaths: [],
      namespaces: [...(spec.linux?.namespaces ?? []), { type: "cgroup" }, ...namespaces],
      ...(isMapped ? { uidMappings: mappings, gidMappings: mappings } : {}),
    },
  };
}

suite("a container in a container", () => {
  for (const [title, namespaces] of [
    ["is made as outside, with cgroups of its own below", []],
    ["is made in a user namespace, too", [{ type: "user" }]],
  ] as const) {
    test(title, (t) =>
      withCommand(t, async (bench) => {
        const inner = bench.bundle("echo inner; cat /proc/self/cgroup");
        // Places that nobody could make once the bundle is read-only.
        for (const name of ["proc", "dev", "sys"]) mkdirSync(join(inner.bundle, "rootfs", name), { recursive: true });
        const main = join(import.meta.dirname, "main.ts");
        const command = `${process.execPath} -C source ${main} --root /run/state`;
        const script = `mkdir -p -m 700 /run/cache; ${command} run --bundle ${inner.bundle} ${inner.id}`;
        const { id, bundle } = bench.bundle("", (spec) => outer(spec, script, inner.bundle, namespaces));
        const { exitCode, stdout, stderr } = await bench.call("run", "--bundle", bundle, id);
        assert.deepEqual([exitCode, stderr], [0, ""]);
        assert.match(stdout, /^inner\n/);
        assert.ok(stdout.split("\n").some((line) => line.endsWith(`/${inner.id}`)));
      }),
    );
  }
});
