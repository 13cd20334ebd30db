/** Where the probe lies in the container, and the lines that a config adds to it. */
export const PROBE_PATH = "/probe.sh";
export const PROBE_EXTRA_PATH = "/probe-extra.sh";

/** Begins a line that opens a section of the probe's output. */
export const PROBE_SECTION_MARK = "@@ ";

/** Of the shell itself, which the runtime executed: /proc/self would be the program that reads it. */
const processFiles = [
  "status",
  "limits",
  "mountinfo",
  "cgroup",
  "stat",
  "comm",
  "oom_score_adj",
  "personality",
  "uid_map",
  "gid_map",
  "setgroups",
  "timens_offsets",
  "loginuid",
  "coredump_filter",
  "timerslack_ns",
  "attr/current",
];

/** Sysctls that a config may set or that depend on how a namespace was made. */
const sysctlFiles = [
  "fs/mqueue/msg_max",
  "fs/mqueue/msgsize_max",
  "kernel/domainname",
  "kernel/hostname",
  "kernel/msgmax",
  "kernel/sem",
  "kernel/shm_rmid_forced",
  "kernel/shmmni",
  "net/core/somaxconn",
  "net/ipv4/ip_forward",
  "net/ipv4/ip_unprivileged_port_start",
  "net/ipv4/ping_group_range",
  "net/ipv6/conf/all/disable_ipv6",
];

/** Limits as the container can read them: cgroup v1 first, then v2. */
const cgroupFiles = [
  "blkio/blkio.throttle.*_device",
  "blkio/blkio.bfq.weight",
  "blkio/blkio.weight",
  "cpu*/cpu.cfs_*_us",
  "cpu*/cpu.rt_*_us",
  "cpu*/cpu.shares",
  "cpu*/cpu.idle",
  "cpuset/cpuset.cpus",
  "cpuset/cpuset.mems",
  "devices/devices.list",
  "freezer/freezer.state",
  "memory/memory.kmem.tcp.limit_in_bytes",
  "memory/memory.limit_in_bytes",
  "memory/memory.memsw.limit_in_bytes",
  "memory/memory.oom_control",
  "memory/memory.soft_limit_in_bytes",
  "memory/memory.swappiness",
  "memory/memory.use_hierarchy",
  "pids/pids.max",
  "cpu.max",
  "cpu.max.burst",
  "cpu.weight",
  "cpu.idle",
  "cpuset.cpus",
  "cpuset.mems",
  "io.max",
  "io.weight",
  "memory.high",
  "memory.low",
  "memory.max",
  "memory.swap.max",
  "pids.max",
  "hugetlb.*.max",
];

/** What configs mask or make read-only, and neighbours of it that must stay usable. */
const guardedPaths = [
  "/proc/acpi",
  "/proc/bus",
  "/proc/fs",
  "/proc/interrupts",
  "/proc/irq",
  "/proc/irq/default_smp_affinity",
  "/proc/kcore",
  "/proc/keys",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/sys",
  "/proc/sys/kernel/hostname",
  "/proc/sys/kernel/domainname",
  "/proc/sys/net/ipv4/ip_forward",
  "/proc/sysrq-trigger",
  "/proc/timer_list",
  "/sys/firmware",
  "/sys/kernel/profiling",
  "/sys/fs/cgroup",
  "/etc/passwd",
  "/tmp",
  "/",
];

/**
 * The probe: a program for busybox's shell, which is all that the root file system holds. It prints what the kernel
 * says, section by section, unchanged; reading it is {@link readProbe}'s work, where it can be tested.
 *
 * It works without /proc, /dev and PATH, and with system calls failing: a config may have taken any of them away.
 */
export const PROBE_SCRIPT: string = `b=/bin/busybox
P=/proc/$$
echo '${PROBE_SECTION_MARK}shell'
echo "umask $(umask)"
echo "pwd $(pwd)"
echo "uid $($b id -u)"
echo "gid $($b id -g)"
echo "groups $($b id -G)"
echo "hostname $($b hostname)"
echo "machine $($b uname -m)"
if [ $$ = 1 ]; then echo "is-pid-1 yes"; else echo "is-pid-1 no"; fi
echo "pid $$"
echo "arguments $#"
echo '${PROBE_SECTION_MARK}files'
$b grep -sH '' ${processFiles.map((name) => `$P/${name}`).join(" ")} \\
  ${sysctlFiles.map((name) => `/proc/sys/${name}`).join(" ")} \\
  /proc/net/dev ${cgroupFiles.map((name) => `/sys/fs/cgroup/${name}`).join(" ")}
echo '${PROBE_SECTION_MARK}keys'
$b grep -s '' /proc/keys
echo '${PROBE_SECTION_MARK}links'
$b stat -c '%n|%a|%N' $P/ns/* $P/cwd $P/root $P/exe $P/fd/*
echo '${PROBE_SECTION_MARK}descriptors'
$b grep -sH flags: $P/fdinfo/*
echo '${PROBE_SECTION_MARK}dev'
$b find /dev -exec $b stat -c '%n|%F|%a|%u|%g|%t,%T|%N' {} +
echo '${PROBE_SECTION_MARK}top'
$b find / /sys/fs/cgroup /proc/acpi /sys/firmware -maxdepth 1 -exec $b stat -c '%n|%F|%a|%u|%g|%t,%T|%N' {} +
echo '${PROBE_SECTION_MARK}environment'
[ -r $P/environ ] && $b tr '\\0\\n' '\\n\\001' <$P/environ
echo '${PROBE_SECTION_MARK}arguments'
[ -r $P/cmdline ] && $b tr '\\0\\n' '\\n\\001' <$P/cmdline
echo '${PROBE_SECTION_MARK}io-priority'
$b ionice -p $$ 2>&1
echo '${PROBE_SECTION_MARK}addresses'
$b ip -o link
$b ip -o addr
$b ip route
echo '${PROBE_SECTION_MARK}terminal'
if [ -t 0 ]; then $b tty; $b stty -a 2>/dev/null; fi
echo '${PROBE_SECTION_MARK}guarded'
for p in ${guardedPaths.join(" ")}; do
  if [ -d $p ]; then
    t=$p/.probe-$$
    m=$( ($b mkdir $t && $b rmdir $t) 2>&1)
    echo "$p|directory|\${m##*: }"
  elif [ -e $p ]; then
    m=$( (: >>$p) 2>&1)
    if [ -n "$($b head -c 1 $p)" ]; then c=content; else c=empty; fi
    echo "$p|$c|\${m##*: }"
  fi
done
echo '${PROBE_SECTION_MARK}extra'
[ -e ${PROBE_EXTRA_PATH} ] && . ${PROBE_EXTRA_PATH}
echo '${PROBE_SECTION_MARK}end'
`;
