import { mkdirSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { defaultSpec, type LinuxSeccompArch, type RuntimeSpec } from "@orlop/core";
import { type Architecture, defaultSeccompProfile, hostArchitecture } from "@orlop/kernel";
import { makeBusyboxRootfs, writeBundle } from "@orlop/testkit";

/** A directory with a config.json, which every runtime gets, and what is in it. */
export interface Bundle {
  readonly path: string;
  readonly spec: RuntimeSpec;
}

const seccompArch: Readonly<Record<Architecture, LinuxSeccompArch>> = {
  x86_64: "SCMP_ARCH_X86_64",
  aarch64: "SCMP_ARCH_AARCH64",
};

/** The default config (namespaces, mounts, masked paths, capabilities, devices) with the default seccomp profile. */
export function benchSpec(rootPath: string, args: readonly string[]): RuntimeSpec {
  const spec = defaultSpec({ args, rootPath });
  const seccomp = defaultSeccompProfile({
    arch: seccompArch[hostArchitecture()],
    capabilities: spec.process?.capabilities?.bounding ?? [],
    kernelVersion: release(),
  });
  return { ...spec, linux: { ...spec.linux, seccomp } };
}

/** The same bundle with another command. */
export function bundleWith(directory: string, { spec }: Bundle, args: readonly string[]): Bundle {
  if (spec.process === undefined) throw new TypeError("the bundle has no process");
  const changed = { ...spec, process: { ...spec.process, args } };
  mkdirSync(directory, { recursive: true });
  writeBundle(directory, changed);
  return { path: directory, spec: changed };
}

/** The same bundle, with a limit for the memory of all its processes. */
export function limitedBundle(directory: string, { spec }: Bundle, limitBytes: number): Bundle {
  const resources = { ...spec.linux?.resources, memory: { limit: limitBytes } };
  const limited = { ...spec, linux: { ...spec.linux, resources } };
  mkdirSync(directory, { recursive: true });
  writeBundle(directory, limited);
  return { path: directory, spec: limited };
}

/** Makes two bundles on one busybox root file system: one that ends at once, and one that idles. */
export function makeBundles(directory: string): { readonly ending: Bundle; readonly idling: Bundle } {
  const rootfs = join(directory, "rootfs");
  makeBusyboxRootfs(rootfs);
  const make = (name: string, args: readonly string[]): Bundle => {
    const path = join(directory, name);
    const spec = benchSpec(rootfs, args);
    mkdirSync(path);
    writeBundle(path, spec);
    return { path, spec };
  };
  return { ending: make("ending", ["true"]), idling: make("idling", ["sleep", "1000000"]) };
}
