import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, hostname, release } from "node:os";
import { CAPABILITIES } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import type { CallerView } from "./run-options.ts";

/** What a container's config depends on besides what was asked for: this machine and who calls. */
export interface MachineView extends CallerView {
  /** Effective ids of this process. */
  readonly uid: number;
  readonly gid: number;
  /** The caller's. */
  readonly umask: number;
  /** Capabilities that a container can be given. */
  readonly capabilities: ReadonlySet<string>;
  readonly hostname: string;
  /** The caller's home directory. */
  readonly home: string;
  readonly kernelRelease: string;
  /** Whether limits on swap can be set. */
  readonly swapLimits: boolean;
  /** CPUs that tell of their temperature in /sys. */
  readonly thermalThrottleCpus: readonly number[];
}

export function readMachineView(): MachineView {
  const uid = process.geteuid?.() ?? 0;
  const rootless = uid !== 0;
  const { cwd, env, home, umask } = caller();
  return {
    ...{ cwd, env, home, umask },
    uid,
    gid: process.getegid?.() ?? 0,
    rootless,
    capabilities: givableCapabilities(rootless),
    kernelRelease: release(),
    thermalThrottleCpus: thermalThrottleCpus(),
    // What few flags ask for is looked up for them: somebody waits for each container.
    get cpuCount() {
      return availableParallelism();
    },
    modules: {
      get apparmor() {
        return existsSync("/sys/kernel/security/apparmor");
      },
      get selinux() {
        return existsSync("/sys/fs/selinux/enforce");
      },
    },
    get hostname() {
      return hostname();
    },
    get swapLimits() {
      return existsSync("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes") || existsSync("/proc/swaps");
    },
  };
}

/** By whether it is an ordinary user: neither the kernel's nor this process's own change while it lives. */
const givable = new Map<boolean, ReadonlySet<string>>();

function givableCapabilities(rootless: boolean): ReadonlySet<string> {
  const known = givable.get(rootless) ?? readCapabilities(rootless);
  givable.set(rootless, known);
  return known;
}

/** Root can pass on what it has itself; in a user namespace of its own a process has all that the kernel knows. */
function readCapabilities(rootless: boolean): ReadonlySet<string> {
  const last = Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8"));
  const known = CAPABILITIES.filter((_, number) => number <= last);
  if (rootless) return new Set(known);
  const [, effective = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  const bits = BigInt(`0x${effective}`);
  return new Set(known.filter((_, number) => (bits >> BigInt(number)) & 1n));
}

const CPUS = "/sys/devices/system/cpu";

function thermalThrottleCpus(): readonly number[] {
  if (!existsSync(`${CPUS}/cpu0/thermal_throttle`)) return [];
  return readdirSync(CPUS)
    .flatMap((name) => (/^cpu\d+$/.test(name) ? [Number(name.slice(3))] : []))
    .sort((a, b) => a - b);
}
