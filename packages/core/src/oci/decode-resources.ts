import {
  boolean,
  type Decoder,
  int64,
  integer,
  list,
  object,
  oneOf,
  optional,
  record,
  refine,
  required,
  text,
  uint16,
  uint32,
  uint64,
  where,
} from "./field-decoders.ts";
import { decodeDocument, FieldFailure, memberPath } from "./field-failure.ts";
import { interfaceName } from "./interface-name.ts";
import { parseJson } from "./json-text.ts";
import {
  LINUX_DEVICE_CGROUP_TYPES,
  type LinuxBlockIO,
  type LinuxCPU,
  type LinuxDeviceCgroup,
  type LinuxHugepageLimit,
  type LinuxInterfacePriority,
  type LinuxMemory,
  type LinuxNetwork,
  type LinuxPids,
  type LinuxRdma,
  type LinuxResources,
  type LinuxThrottleDevice,
  type LinuxWeightDevice,
} from "./resources.ts";

/** MINORBITS of linux/kdev_t.h leaves 12 bits for the major number of a device and 20 for the minor one. */
export const DEVICE_MAJOR_MAX = 0xfff;
export const DEVICE_MINOR_MAX = 0xf_ffff;

const major = integer(0, DEVICE_MAJOR_MAX);
const minor = integer(0, DEVICE_MINOR_MAX);

/** How runc and crun, and what is written for them, spell "every number". */
const EVERY_NUMBER = -1;

const deviceCgroup = object<LinuxDeviceCgroup>({
  allow: required(boolean),
  type: optional(oneOf(LINUX_DEVICE_CGROUP_TYPES)),
  major: optional(integer(EVERY_NUMBER, DEVICE_MAJOR_MAX)),
  minor: optional(integer(EVERY_NUMBER, DEVICE_MINOR_MAX)),
  // Letters beside these stand for nothing, which who uses it tells.
  access: optional(where(text, (access) => /^[a-zA-Z]*$/.test(access), "a composition of r, w and m")),
});

/** -1 is "no limit"; anything below has no meaning. */
const limitOrUnlimited = int64(-1n);

const memory = object<LinuxMemory>({
  limit: optional(limitOrUnlimited),
  reservation: optional(limitOrUnlimited),
  swap: optional(limitOrUnlimited),
  kernel: optional(limitOrUnlimited),
  kernelTCP: optional(limitOrUnlimited),
  swappiness: optional(integer(0, 100)),
  disableOOMKiller: optional(boolean),
  useHierarchy: optional(boolean),
  checkBeforeUpdate: optional(boolean),
});

const cpu: Decoder<LinuxCPU> = refine(
  object<LinuxCPU>({
    shares: optional(uint64),
    quota: optional(int64()),
    burst: optional(uint64),
    period: optional(uint64),
    realtimeRuntime: optional(int64()),
    realtimePeriod: optional(uint64),
    cpus: optional(text),
    mems: optional(text),
    idle: optional(integer(0, 1)),
  }),
  ({ burst = 0, quota = 0 }, at) => {
    if (quota <= 0 || burst <= quota) return;
    throw new FieldFailure(memberPath(at, "burst"), `found ${burst}, expected at most the quota, which is ${quota}`);
  },
);

const weightDevice: Decoder<LinuxWeightDevice> = refine(
  object<LinuxWeightDevice>({
    major: required(major),
    minor: required(minor),
    weight: optional(uint16),
    leafWeight: optional(uint16),
  }),
  (device, at) => {
    if (device.weight !== undefined || device.leafWeight !== undefined) return;
    throw new FieldFailure(at, "at least one of weight and leafWeight is required");
  },
);

const throttleDevices = list(
  object<LinuxThrottleDevice>({ major: required(major), minor: required(minor), rate: required(uint64) }),
);

const blockIO = object<LinuxBlockIO>({
  weight: optional(uint16),
  leafWeight: optional(uint16),
  weightDevice: optional(list(weightDevice)),
  throttleReadBpsDevice: optional(throttleDevices),
  throttleWriteBpsDevice: optional(throttleDevices),
  throttleReadIOPSDevice: optional(throttleDevices),
  throttleWriteIOPSDevice: optional(throttleDevices),
});

const hugepageLimit = object<LinuxHugepageLimit>({
  // It becomes a part of a file name, hugetlb.2MB.max, so the format is more than cosmetics.
  pageSize: required(where(text, (size) => /^[1-9]\d{0,9}[KMG]B$/.test(size), "a page size such as 2MB")),
  limit: required(uint64),
});

const network = object<LinuxNetwork>({
  classID: optional(uint32),
  priorities: optional(
    list(object<LinuxInterfacePriority>({ name: required(interfaceName), priority: required(uint32) })),
  ),
});

const rdma: Decoder<LinuxRdma> = refine(
  object<LinuxRdma>({ hcaHandles: optional(uint32), hcaObjects: optional(uint32) }),
  (device, at) => {
    if (device.hcaHandles !== undefined || device.hcaObjects !== undefined) return;
    throw new FieldFailure(at, "at least one of hcaHandles and hcaObjects is required");
  },
);

// Both become parts of what is written into a cgroup directory, or of the path that it is written to.
const rdmaDeviceName = where(text, (name) => /^[^\s/]+$/.test(name), "a device name");
const unifiedFileName = where(text, (name) => /^[^/]+\.[^/]+$/.test(name), "a file name of cgroup v2, such as io.max");

/** `linux.resources` as a field of a larger document. */
export const linuxResourcesDecoder: Decoder<LinuxResources> = object<LinuxResources>({
  devices: optional(list(deviceCgroup)),
  memory: optional(memory),
  cpu: optional(cpu),
  pids: optional(object<LinuxPids>({ limit: optional(limitOrUnlimited) })),
  blockIO: optional(blockIO),
  hugepageLimits: optional(list(hugepageLimit)),
  network: optional(network),
  rdma: optional(record(rdma, rdmaDeviceName)),
  unified: optional(record(text, unifiedFileName)),
});

/**
 * Decodes the resources that `update --resources` gets.
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function decodeLinuxResources(input: string | Uint8Array): LinuxResources {
  return decodeDocument("OCI resources", () => linuxResourcesDecoder(parseJson(input), ""));
}
