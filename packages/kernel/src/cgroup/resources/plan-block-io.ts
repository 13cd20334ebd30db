import type { LinuxBlockIO, LinuxThrottleDevice, LinuxWeightDevice } from "@orlop/core";
import type { CgroupFallback, WriteCgroupFile } from "../cgroup-plan.ts";
import {
  bytesInWords,
  isSet,
  type ResourceContext,
  type ResourceTarget,
  refuse,
  resourceTarget,
  resourceWrite,
} from "./resource-context.ts";
import { ioWeightOfBlockIOWeight } from "./resource-conversions.ts";

/** BFQ takes 1 to 1000, the older CFQ 10 to 1000. */
const WEIGHT_MAX = 1000;

/** Carries out `linux.resources.blockIO` (config-linux.md, "Block IO"). */
export function planBlockIO(blockIO: LinuxBlockIO, context: ResourceContext): WriteCgroupFile[] {
  return [
    ...planWeight(blockIO, context),
    ...(blockIO.weightDevice ?? []).flatMap((device, index) => planDeviceWeight(device, index, context)),
    ...THROTTLES.flatMap((throttle) =>
      (blockIO[throttle.list] ?? []).map((device, index) => planThrottle(throttle, device, index, context)),
    ),
  ];
}

function planWeight(blockIO: LinuxBlockIO, context: ResourceContext): WriteCgroupFile[] {
  const operations: WriteCgroupFile[] = [];
  const { weight, leafWeight } = blockIO;
  if (isSet(weight)) {
    const target = resourceTarget(context, "blkio", "blockIO.weight", weight);
    const reason = `Gives block I/O a weight of ${checkedWeight("blockIO.weight", weight)} against the siblings'`;
    operations.push(writeWeight(target, "blockIO.weight", "", weight, reason));
  }
  if (isSet(leafWeight)) {
    const target = resourceTarget(context, "blkio", "blockIO.leafWeight", leafWeight);
    const reason = "Weighs the cgroup's own tasks against its child cgroups";
    operations.push(resourceWrite(target, "blockIO.leafWeight", "blkio.leaf_weight", `${leafWeight}`, reason));
  }
  return operations;
}

function planDeviceWeight(device: LinuxWeightDevice, index: number, context: ResourceContext): WriteCgroupFile[] {
  const field = `blockIO.weightDevice[${index}]`;
  const { weight, leafWeight } = device;
  if (weight === undefined && leafWeight === undefined) {
    throw refuse("invalid", field, device, "it needs weight or leafWeight");
  }
  const target = resourceTarget(context, "blkio", "blockIO.weightDevice", device);
  const name = `${device.major}:${device.minor}`;
  const operations: WriteCgroupFile[] = [];
  if (isSet(weight)) {
    const reason = `Gives I/O on device ${name} a weight of ${checkedWeight(field, weight)}`;
    operations.push(writeWeight(target, field, `${name} `, weight, reason));
  }
  if (isSet(leafWeight)) {
    if (target.version === 2)
      throw refuse("unsupported", `${field}.leafWeight`, leafWeight, "version 2 has no leaf weights");
    const reason = `Weighs the cgroup's own tasks against its child cgroups on device ${name}`;
    operations.push(resourceWrite(target, field, "blkio.leaf_weight_device", `${name} ${leafWeight}`, reason));
  }
  return operations;
}

function checkedWeight(field: string, weight: number): number {
  if (weight < 1 || weight > WEIGHT_MAX)
    throw refuse("invalid", field, weight, `a weight lies between 10 and ${WEIGHT_MAX}`);
  return weight;
}

/** The weight in the file of the scheduler that the kernel has; `device` is empty or `major:minor `. */
function writeWeight(
  target: ResourceTarget,
  field: string,
  device: string,
  weight: number,
  reason: string,
): WriteCgroupFile {
  const suffix = device === "" ? "" : "_device";
  const [first, second, converted] =
    target.version === 1
      ? [`blkio.weight${suffix}`, `blkio.bfq.weight${suffix}`, weight]
      : ["io.bfq.weight", "io.weight", ioWeightOfBlockIOWeight(weight)];
  const fallback: CgroupFallback = {
    when: ["ENOENT"],
    because:
      target.version === 1 ? "kernels since 5.0 have no CFQ scheduler" : "without BFQ, iocost weighs, from 1 to 10000",
    operations: [resourceWrite(target, field, second, `${device}${converted}`, reason)],
  };
  return resourceWrite(target, field, first, `${device}${weight}`, reason, { fallback });
}

interface Throttle {
  readonly list:
    | "throttleReadBpsDevice"
    | "throttleWriteBpsDevice"
    | "throttleReadIOPSDevice"
    | "throttleWriteIOPSDevice";
  readonly v1: string;
  readonly v2: string;
  readonly verb: string;
  readonly bytes: boolean;
}

const THROTTLES: readonly Throttle[] = [
  { list: "throttleReadBpsDevice", v1: "blkio.throttle.read_bps_device", v2: "rbps", verb: "reading", bytes: true },
  { list: "throttleWriteBpsDevice", v1: "blkio.throttle.write_bps_device", v2: "wbps", verb: "writing", bytes: true },
  { list: "throttleReadIOPSDevice", v1: "blkio.throttle.read_iops_device", v2: "riops", verb: "reading", bytes: false },
  {
    list: "throttleWriteIOPSDevice",
    v1: "blkio.throttle.write_iops_device",
    v2: "wiops",
    verb: "writing",
    bytes: false,
  },
];

function planThrottle(
  throttle: Throttle,
  device: LinuxThrottleDevice,
  index: number,
  context: ResourceContext,
): WriteCgroupFile {
  const field = `blockIO.${throttle.list}` as const;
  const target = resourceTarget(context, "blkio", field, device);
  const name = `${device.major}:${device.minor}`;
  const rate = throttle.bytes ? `${bytesInWords(device.rate)} a second` : `${device.rate} operations a second`;
  const reason = isSet(device.rate)
    ? `Limits ${throttle.verb} on device ${name} to ${rate}`
    : `Takes away the limit of ${throttle.verb} on device ${name}`;
  if (target.version === 1)
    return resourceWrite(target, `${field}[${index}]`, throttle.v1, `${name} ${device.rate}`, reason);
  // Version 1 removes a rule by the rate 0, which version 2 refuses.
  const value = `${name} ${throttle.v2}=${isSet(device.rate) ? device.rate : "max"}`;
  return resourceWrite(target, `${field}[${index}]`, "io.max", value, reason);
}
