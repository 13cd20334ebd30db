import { type Capabilities, defaultSpec, type Mount, type RuntimeSpec } from "@orlop/core";

/** runc's three, which scripts around `spec` count on. */
const CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

const DESCRIPTORS = 1024;

interface ExampleSpecOptions {
  /** Only the unified hierarchy can be shown to a container by a namespace alone. */
  readonly isUnifiedCgroup: boolean;
  /** Without privileges: the caller becomes root of a user namespace. */
  readonly rootless?: { readonly uid: number; readonly gid: number };
}

/**
 * What `spec` writes: runc's example, member by member, with more paths masked. A shell under a terminal on a root file
 * system that cannot be written.
 */
export function exampleSpec({ isUnifiedCgroup, rootless }: ExampleSpecOptions): RuntimeSpec {
  const base = defaultSpec();
  const capabilities: Capabilities = { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES };
  const spec: RuntimeSpec = {
    ociVersion: base.ociVersion,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: [...(base.process?.env ?? []), "TERM=xterm"],
      cwd: "/",
      capabilities,
      rlimits: [{ type: "RLIMIT_NOFILE", hard: DESCRIPTORS, soft: DESCRIPTORS }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "orlop",
    mounts: base.mounts ?? [],
    linux: {
      ...base.linux,
      namespaces: (base.linux?.namespaces ?? []).filter(({ type }) => type !== "cgroup" || isUnifiedCgroup),
    },
  };
  return rootless === undefined ? spec : withoutPrivileges(spec, rootless);
}

/** What only privileges allow is left out or done in another way. */
function withoutPrivileges(
  spec: RuntimeSpec,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): RuntimeSpec {
  const { resources: _, namespaces = [], ...linux } = spec.linux ?? {};
  return {
    ...spec,
    mounts: (spec.mounts ?? []).map(withoutPrivilegesMount),
    linux: {
      ...linux,
      uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
      namespaces: [...namespaces.filter(({ type }) => type !== "network"), { type: "user" }],
    },
  };
}

function withoutPrivilegesMount(mount: Mount): Mount {
  // A new sysfs belongs to whom the network namespace belongs to.
  if (mount.destination === "/sys") {
    return { destination: "/sys", type: "none", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "ro"] };
  }
  // No group but one is mapped.
  return { ...mount, options: (mount.options ?? []).filter((option) => !/^[ug]id=/.test(option)) };
}
