import {
  LINUX_NAMESPACE_TYPES,
  LINUX_SECCOMP_ACTIONS,
  LINUX_SECCOMP_ARCHES,
  LINUX_SECCOMP_FLAGS,
  LINUX_SECCOMP_OPERATORS,
  MEMORY_POLICY_FLAGS,
  MEMORY_POLICY_MODES,
  RUNTIME_SPEC_VERSION,
} from "@orlop/core";
import { CAPABILITIES, MOUNT_OPTION_NAMES } from "@orlop/kernel";
import { refusedFields } from "../oci-support/refuse-unsupported.ts";
import { runtimeVersion } from "./version-text.ts";

/** The six kinds, in the order in which they run (config.md, "POSIX-platform Hooks"). */
const HOOKS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

/**
 * What this runtime can do, in the form of the runtime-spec's features.md, which containerd, CRI-O and dockerd read. It
 * is about the runtime and not about the machine: a kernel may have less.
 */
export function featuresDocument(): Readonly<Record<string, unknown>> {
  const unsupported = new Set(refusedFields());
  const enabled = (field: string): { readonly enabled: boolean } => ({ enabled: !unsupported.has(field) });
  const sorted = (names: readonly string[]): readonly string[] => [...names].sort();
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: RUNTIME_SPEC_VERSION,
    hooks: HOOKS,
    mountOptions: MOUNT_OPTION_NAMES,
    linux: {
      namespaces: sorted(LINUX_NAMESPACE_TYPES),
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: sorted(LINUX_SECCOMP_ACTIONS),
        operators: sorted(LINUX_SECCOMP_OPERATORS),
        archs: sorted(LINUX_SECCOMP_ARCHES),
        knownFlags: sorted(LINUX_SECCOMP_FLAGS),
        supportedFlags: sorted(LINUX_SECCOMP_FLAGS),
      },
      apparmor: { enabled: true },
      selinux: enabled("linux.mountLabel"),
      intelRdt: { ...enabled("linux.intelRdt"), schemata: true, monitoring: true },
      mountExtensions: { idmap: { enabled: true } },
      ...(unsupported.has("linux.memoryPolicy")
        ? {}
        : { memoryPolicy: { modes: MEMORY_POLICY_MODES, flags: MEMORY_POLICY_FLAGS } }),
      netDevices: enabled("linux.netDevices"),
    },
    annotations: {
      "dev.orlop.version": runtimeVersion(),
      "org.opencontainers.runc.checkpoint.enabled": "true",
    },
    potentiallyUnsafeConfigAnnotations: ["bundle", "org.systemd.property.", "org.criu.config", "run.oci."],
  };
}
