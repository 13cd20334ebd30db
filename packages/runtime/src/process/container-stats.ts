import type { ContainerStats } from "@orlop/core";
import type { CgroupStats } from "@orlop/kernel";

/** The part of a reading that every kind of runtime can give. */
export function containerStats({ cpu, memory, pids, io }: CgroupStats): ContainerStats {
  const inactive = memory?.stat.total_inactive_file ?? memory?.stat.inactive_file ?? 0n;
  const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);
  return {
    readAtMs: Date.now(),
    ...(cpu === undefined
      ? {}
      : { cpu: { usageNanoseconds: cpu.usageNs, userNanoseconds: cpu.userNs, systemNanoseconds: cpu.systemNs } }),
    ...(memory === undefined
      ? {}
      : {
          memory: {
            usageBytes: memory.usage,
            workingSetBytes: memory.usage > inactive ? memory.usage - inactive : 0n,
            limitBytes: memory.limit,
            oomKills: memory.events.oom_kill ?? 0n,
          },
        }),
    ...(pids === undefined
      ? {}
      : { pids: { current: Number(pids.current), limit: pids.limit === undefined ? undefined : Number(pids.limit) } }),
    ...(io === undefined
      ? {}
      : {
          io: {
            readBytes: sum(io.devices.map((device) => device.readBytes)),
            writeBytes: sum(io.devices.map((device) => device.writtenBytes)),
          },
        }),
  };
}
