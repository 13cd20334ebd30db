import type { SandboxMount } from "../sandbox-options.ts";

/** A volume that is mounted in a container; it is made where it is not there yet. */
export interface VolumeRequest {
  readonly volume: string;
  /** In the container: absolute. */
  readonly to: string;
  /** Absent: `rw`. */
  readonly mode?: "ro" | "rw";
  /** `user`: all files in it are given to the container's user when that is made. Absent: they are whose they are. */
  readonly owner?: "user";
}

/** Whose namespaces a container has; what is absent is its own. */
export interface ContainerNamespaces {
  /** Whose processes it sees: `host` or `container:NAME`. */
  readonly pid?: string;
  /** Whose IPC it has, with /dev/shm: `private`, `shareable`, `none`, `host` or `container:NAME`. */
  readonly ipc?: string;
  /** `host`: this machine's host name. */
  readonly uts?: "host";
  /** Whose cgroups it sees. */
  readonly cgroup?: "host" | "private";
  /** `host`: this machine's users, which root's containers have, and an ordinary user's have not. */
  readonly user?: "host";
}

/** What `containers.create` of {@link Engine} takes; what is absent is as with `orlop create`. Another option is refused. */
export interface ContainerOptions {
  /** As the command line names it: `debian:bookworm`, `host`, `dir:PATH`, `oci:PATH`. It is pulled where it is not here. */
  readonly image: string;
  /** `OS/ARCH[/VARIANT]` of an image for several platforms. Absent: this machine's. */
  readonly platform?: string;
  /** When a registry is asked. Absent: `missing`. */
  readonly pull?: "missing" | "always" | "never";
  /** Program and arguments. Absent: what the image says. */
  readonly command?: readonly string[];
  /** Program instead of the image's; the command is its arguments. */
  readonly entrypoint?: string;
  /** Absent: one that is made up. */
  readonly name?: string;
  /** Absent: the first digits of its id. */
  readonly hostname?: string;
  /** NIS domain name. */
  readonly domainname?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  /** `USER[:GROUP]`. */
  readonly user?: string;
  /** Further groups, as names or numbers. */
  readonly groups?: readonly string[];
  /** Modes that new files do not get, in octal. Absent: `0022`. */
  readonly umask?: string;
  /** As tzset(3) names it, or `local`. */
  readonly timeZone?: string;
  /** A small init is process 1: it forwards signals and reaps orphans. */
  readonly init?: boolean;
  /** Signal that asks it to stop, as a name or a number. Absent: the image's, or SIGTERM. */
  readonly stopSignal?: string;
  /** It is killed when it has run for so long. Absent, or 0: never. */
  readonly timeLimitSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Noted in its OCI config, for its runtime. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly mounts?: readonly (SandboxMount | VolumeRequest)[];
  /** `CONTAINER[:ro|rw]`: what others have mounted. */
  readonly volumesFrom?: readonly string[];
  /** `DIR[:OPTIONS]`: memory that is mounted there. */
  readonly tmpfs?: readonly string[];
  /** The root file system is read-only. */
  readonly readOnly?: boolean;
  /** Of /dev/shm: bytes, or text with a unit. Absent: 64 MiB. */
  readonly shmSize?: number | string;
  /** Of what is written to the root file system, where its file system has quotas: bytes, or text with a unit. */
  readonly disk?: number | string;
  /** `HOST[:CONTAINER][:rwm]`. */
  readonly devices?: readonly string[];
  /** `TYPE MAJOR:MINOR ACCESS`: devices that have no node yet. */
  readonly deviceRules?: readonly string[];
  /** `none`, `host`, `bridge`, `container:NAME`, or the name of a network. Absent: `none`, and `bridge` where there are ports. */
  readonly network?: string;
  /** Further names on its network. */
  readonly networkAliases?: readonly string[];
  /** `[ADDRESS:][HOST_PORT:]CONTAINER_PORT[/PROTOCOL]`; without an address at this machine's loopback. */
  readonly ports?: readonly string[];
  /** Lines of /etc/hosts: addresses by names; `host-gateway` stands for this machine's. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Addresses of servers for names. Absent: this machine's. */
  readonly dns?: readonly string[];
  readonly namespaces?: ContainerNamespaces;
  /** By name, with or without `CAP_`; or `ALL`. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  /** `seccomp=FILE|unconfined`, `no-new-privileges`, `apparmor=PROFILE`, `systempaths=unconfined`. */
  readonly securityOptions?: readonly string[];
  /** All capabilities and devices, nothing filtered or masked. */
  readonly privileged?: boolean;
  /** Parameters of its own namespaces, by name. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Who makes it: `process`, `oci:PROGRAM`, `shim:NAME`. Absent: `process`. */
  readonly runtime?: string;
  /** Path of a cgroup, below which its own is. */
  readonly cgroupParent?: string;
  /** Bytes, or text with a unit that is a power of 1024; so are all of memory. */
  readonly memory?: number | string;
  /** What is taken back last. */
  readonly memoryReservation?: number | string;
  /** Memory and swap together; -1: unlimited swap. */
  readonly memorySwap?: number | string;
  /** 0 to 100, with version 1 of cgroups. */
  readonly memorySwappiness?: number;
  /** Who cannot have more waits, with version 1 of cgroups. */
  readonly oomKillDisable?: boolean;
  /** -1000 to 1000: how willingly the kernel ends it. */
  readonly oomScoreAdj?: number;
  readonly cpus?: number;
  /** Weight against others; 1024 is average. */
  readonly cpuShares?: number;
  /** Microseconds. */
  readonly cpuPeriod?: number;
  /** Microseconds in a period. */
  readonly cpuQuota?: number;
  /** `0-3,7`. */
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** Microseconds, with version 1 of cgroups. */
  readonly cpuRealtimePeriod?: number;
  /** Microseconds in such a period, for processes of real-time scheduling. */
  readonly cpuRealtimeRuntime?: number;
  /** 10 to 1000: weight of reading and writing against others. */
  readonly blkioWeight?: number;
  /** `DEVICE:WEIGHT`. */
  readonly blkioWeightDevice?: readonly string[];
  /** `DEVICE:BYTES`, a second. */
  readonly deviceReadBps?: readonly string[];
  readonly deviceWriteBps?: readonly string[];
  /** `DEVICE:NUMBER`, a second. */
  readonly deviceReadIops?: readonly string[];
  readonly deviceWriteIops?: readonly string[];
  readonly pids?: number;
  /** `SOFT[:HARD]` by names of limits: `nofile`. */
  readonly ulimits?: Readonly<Record<string, string>>;
  /** Values by files of its cgroup, with version 2 of cgroups: `memory.high`. */
  readonly cgroupSettings?: Readonly<Record<string, string>>;
}
