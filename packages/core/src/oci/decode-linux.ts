import { cpuCount, cpuList } from "./cpu-list.ts";
import { userOrGroupId } from "./decode-process.ts";
import { DEVICE_MAJOR_MAX, DEVICE_MINOR_MAX, linuxResourcesDecoder } from "./decode-resources.ts";
import { linuxSeccompDecoder } from "./decode-seccomp.ts";
import {
  absolutePath,
  boolean,
  type Decoder,
  int64,
  integer,
  list,
  nonEmptyText,
  object,
  oneOf,
  optional,
  record,
  refine,
  refuseDuplicates,
  required,
  text,
  uint32,
  where,
} from "./field-decoders.ts";
import { elementPath, FieldFailure, memberPath } from "./field-failure.ts";
import { interfaceName } from "./interface-name.ts";
import {
  LINUX_DEVICE_TYPES,
  LINUX_NAMESPACE_TYPES,
  LINUX_PERSONALITY_DOMAINS,
  LINUX_TIME_OFFSET_CLOCKS,
  type Linux,
  type LinuxDevice,
  type LinuxIDMapping,
  type LinuxIntelRdt,
  type LinuxMemoryPolicy,
  type LinuxNamespace,
  type LinuxNetDevice,
  type LinuxPersonality,
  type LinuxTimeOffset,
  MEMORY_POLICY_FLAGS,
  MEMORY_POLICY_MODES,
  ROOTFS_PROPAGATIONS,
} from "./linux.ts";

/** UID_GID_MAP_MAX_EXTENTS of linux/user_namespace.h. */
const ID_MAPPINGS_MAX = 340;

const idMapping: Decoder<LinuxIDMapping> = refine(
  object<LinuxIDMapping>({
    containerID: required(userOrGroupId),
    hostID: required(userOrGroupId),
    size: required(integer(1, 0xffff_ffff)),
  }),
  (mapping, at) => {
    for (const side of ["containerID", "hostID"] as const) {
      if (mapping[side] + mapping.size <= 0xffff_ffff) continue;
      throw new FieldFailure(memberPath(at, "size"), `found ${mapping.size}, which ends beyond the last ${side}`);
    }
  },
);

/** The rules of map_write() in the kernel's kernel/user_namespace.c, which answers EINVAL and no more. */
function checkMappings(mappings: readonly LinuxIDMapping[], at: string): void {
  if (mappings.length > ID_MAPPINGS_MAX) {
    throw new FieldFailure(at, `found ${mappings.length} mappings, the kernel takes ${ID_MAPPINGS_MAX}`);
  }
  for (const side of ["containerID", "hostID"] as const) {
    const sorted = [...mappings.entries()].sort(([, a], [, b]) => a[side] - b[side]);
    for (const [rank, [index, mapping]] of sorted.entries()) {
      const before = sorted[rank - 1];
      if (before === undefined || before[1][side] + before[1].size <= mapping[side]) continue;
      const path = memberPath(elementPath(at, index), side);
      throw new FieldFailure(path, `the range overlaps with that of ${elementPath(at, before[0])}`);
    }
  }
}

/** `uidMappings` and `gidMappings`, of a namespace and of a mount. */
export const idMappingsDecoder: Decoder<readonly LinuxIDMapping[]> = refine(list(idMapping), checkMappings);

const device: Decoder<LinuxDevice> = refine(
  object<LinuxDevice>({
    type: required(oneOf(LINUX_DEVICE_TYPES)),
    path: required(absolutePath),
    major: optional(integer(0, DEVICE_MAJOR_MAX)),
    minor: optional(integer(0, DEVICE_MINOR_MAX)),
    fileMode: optional(uint32),
    uid: optional(userOrGroupId),
    gid: optional(userOrGroupId),
  }),
  (found, at) => {
    if (found.type === "p") return;
    for (const number of ["major", "minor"] as const) {
      if (found[number] !== undefined) continue;
      throw new FieldFailure(memberPath(at, number), `the member is required for type ${found.type}, and missing`);
    }
  },
);

const line = where(text, (found) => !found.includes("\n"), "a single line");

const intelRdt = object<LinuxIntelRdt>({
  // It becomes a directory of resctrl; "/" alone stands for resctrl's root.
  closID: optional(
    where(
      nonEmptyText,
      (name) => name === "/" || (name !== "." && name !== ".." && !name.includes("/")),
      'a name without "/", or "/" alone',
    ),
  ),
  schemata: optional(list(line)),
  l3CacheSchema: optional(line),
  memBwSchema: optional(where(line, (schema) => schema.startsWith("MB:"), 'a line that begins with "MB:"')),
  enableMonitoring: optional(boolean),
});

const memoryPolicy: Decoder<LinuxMemoryPolicy> = refine(
  object<LinuxMemoryPolicy>({
    mode: required(oneOf(MEMORY_POLICY_MODES)),
    nodes: optional(cpuList),
    flags: optional(list(oneOf(MEMORY_POLICY_FLAGS))),
  }),
  ({ mode, nodes = "" }, at) => {
    const path = memberPath(at, "nodes");
    const without = mode === "MPOL_DEFAULT" || mode === "MPOL_LOCAL";
    if (without && nodes !== "")
      throw new FieldFailure(path, `found "${nodes}": ${mode} mode requires 0 nodes but got ${cpuCount(nodes)}`);
    // set_mempolicy(2): an empty set is fine for MPOL_PREFERRED, which then means the local node.
    if (!without && mode !== "MPOL_PREFERRED" && nodes === "") {
      throw new FieldFailure(path, `${mode} needs at least one node`);
    }
  },
);

const personality = object<LinuxPersonality>({
  domain: required(oneOf(LINUX_PERSONALITY_DOMAINS)),
  flags: optional(where(list(text), (flags) => flags.length === 0, "an empty list, the spec defines no flag")),
});

const timeOffset = object<LinuxTimeOffset>({
  secs: optional(int64()),
  nanosecs: optional(integer(0, 999_999_999)),
});

const namespaceAsWritten = object<LinuxNamespace>({
  type: required(oneOf(LINUX_NAMESPACE_TYPES)),
  path: optional(where(text, (path) => path === "" || path.startsWith("/"), "an absolute path")),
});

/** To Go programs, which runtimes and their callers mostly are, an empty path is none. */
const namespace: Decoder<LinuxNamespace> = (value, at) => {
  const found = namespaceAsWritten(value, at);
  const { path, ...others } = found;
  return path === "" ? others : found;
};

const namespaces: Decoder<readonly LinuxNamespace[]> = refine(list(namespace), (found, at) =>
  refuseDuplicates(found, at, "type", (entry) => entry.type),
);

/** A `..` would leave the cgroup mount (the spec allows a runtime to refuse such values). */
const cgroupsPath = where(text, (path) => !path.split("/").includes(".."), 'a path without ".."');

/** `linux` as a field of a larger document. */
export const linuxDecoder: Decoder<Linux> = object<Linux>({
  uidMappings: optional(idMappingsDecoder),
  gidMappings: optional(idMappingsDecoder),
  sysctl: optional(record(text, nonEmptyText)),
  resources: optional(linuxResourcesDecoder),
  cgroupsPath: optional(cgroupsPath),
  namespaces: optional(namespaces),
  devices: optional(list(device)),
  netDevices: optional(record(object<LinuxNetDevice>({ name: optional(interfaceName) }), interfaceName)),
  seccomp: optional(linuxSeccompDecoder),
  rootfsPropagation: optional(oneOf(ROOTFS_PROPAGATIONS)),
  maskedPaths: optional(list(absolutePath)),
  readonlyPaths: optional(list(absolutePath)),
  mountLabel: optional(text),
  intelRdt: optional(intelRdt),
  memoryPolicy: optional(memoryPolicy),
  personality: optional(personality),
  timeOffsets: optional(record(timeOffset, oneOf(LINUX_TIME_OFFSET_CLOCKS))),
});
