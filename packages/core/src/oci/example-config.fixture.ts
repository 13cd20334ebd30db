/**
 * A config.json with every member of runtime-spec 1.3 for Linux, on top of the mounts and paths that `runc spec`
 * writes. Text, because some of its integers have no exact `number`.
 */
export const EXAMPLE_CONFIG = `{
  "ociVersion": "1.3.0",
  "process": {
    "terminal": true,
    "consoleSize": { "height": 24, "width": 80 },
    "user": { "uid": 1000, "gid": 1000, "umask": 18, "additionalGids": [5, 27] },
    "args": ["sleep", "60"],
    "env": ["PATH=/usr/bin:/bin", "TERM=xterm"],
    "cwd": "/",
    "capabilities": {
      "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "effective": ["CAP_AUDIT_WRITE", "CAP_KILL"],
      "inheritable": [],
      "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "ambient": ["CAP_KILL"]
    },
    "rlimits": [
      { "type": "RLIMIT_NOFILE", "hard": 1024, "soft": 512 },
      { "type": "RLIMIT_CORE", "hard": 18446744073709551615, "soft": 18446744073709551615 }
    ],
    "noNewPrivileges": true,
    "apparmorProfile": "orlop-default",
    "oomScoreAdj": 100,
    "scheduler": {
      "policy": "SCHED_DEADLINE",
      "nice": 0,
      "priority": 0,
      "flags": ["SCHED_FLAG_RESET_ON_FORK"],
      "runtime": 10000000,
      "deadline": 20000000,
      "period": 9223372036854775807
    },
    "selinuxLabel": "system_u:system_r:container_t:s0:c1,c2",
    "ioPriority": { "class": "IOPRIO_CLASS_BE", "priority": 4 },
    "execCPUAffinity": { "initial": "7", "final": "0-3,7" }
  },
  "root": { "path": "rootfs", "readonly": true },
  "hostname": "deck",
  "domainname": "ship.test",
  "mounts": [
    { "destination": "/proc", "type": "proc", "source": "proc" },
    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
    {
      "destination": "/dev/pts",
      "type": "devpts",
      "source": "devpts",
      "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
    },
    { "destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] },
    { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"] },
    { "destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"] },
    {
      "destination": "/sys/fs/cgroup",
      "type": "cgroup",
      "source": "cgroup",
      "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]
    },
    {
      "destination": "data",
      "source": "volumes/data",
      "options": ["rbind", "ridmap"],
      "uidMappings": [{ "containerID": 0, "hostID": 2000, "size": 10 }],
      "gidMappings": [{ "containerID": 0, "hostID": 2000, "size": 10 }]
    }
  ],
  "hooks": {
    "prestart": [{ "path": "/usr/bin/true" }],
    "createRuntime": [{ "path": "/usr/bin/net", "args": ["net", "up"], "env": ["A=1"], "timeout": 10 }],
    "createContainer": [],
    "startContainer": [{ "path": "/bin/true" }],
    "poststart": [{ "path": "/usr/bin/true" }],
    "poststop": [{ "path": "/usr/bin/net", "args": ["net", "down"] }]
  },
  "annotations": { "com.example.key": "value", "org.systemd.property.TimeoutStopUSec": "uint64 1" },
  "linux": {
    "uidMappings": [{ "containerID": 0, "hostID": 100000, "size": 65536 }],
    "gidMappings": [
      { "containerID": 0, "hostID": 1000, "size": 1 },
      { "containerID": 1, "hostID": 100000, "size": 65536 }
    ],
    "sysctl": { "net.ipv4.ip_forward": "1", "kernel.shmmax": "65536", "net/ipv4/conf/eth0.7/forwarding": "0" },
    "resources": {
      "devices": [
        { "allow": false, "access": "rwm" },
        { "allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw" },
        { "allow": true, "type": "b", "major": 8, "minor": -1, "access": "r" }
      ],
      "memory": {
        "limit": 536870912,
        "reservation": 268435456,
        "swap": 9223372036854775807,
        "kernel": -1,
        "kernelTCP": -1,
        "swappiness": 60,
        "disableOOMKiller": false,
        "useHierarchy": true,
        "checkBeforeUpdate": true
      },
      "cpu": {
        "shares": 1024,
        "quota": 50000,
        "burst": 10000,
        "period": 100000,
        "realtimeRuntime": -1,
        "realtimePeriod": 1000000,
        "cpus": "0-1",
        "mems": "0",
        "idle": 0
      },
      "pids": { "limit": 512 },
      "blockIO": {
        "weight": 10,
        "leafWeight": 10,
        "weightDevice": [{ "major": 8, "minor": 0, "weight": 500, "leafWeight": 300 }],
        "throttleReadBpsDevice": [{ "major": 8, "minor": 0, "rate": 18446744073709551615 }],
        "throttleWriteBpsDevice": [{ "major": 8, "minor": 0, "rate": 600 }],
        "throttleReadIOPSDevice": [{ "major": 8, "minor": 16, "rate": 300 }],
        "throttleWriteIOPSDevice": [{ "major": 8, "minor": 16, "rate": 300 }]
      },
      "hugepageLimits": [{ "pageSize": "2MB", "limit": 9223372036854772000 }],
      "network": { "classID": 1048577, "priorities": [{ "name": "eth0", "priority": 500 }] },
      "rdma": { "mlx5_1": { "hcaHandles": 3, "hcaObjects": 10000 } },
      "unified": { "memory.high": "max", "hugetlb.1GB.max": "1073741824" }
    },
    "cgroupsPath": "/orlop/example",
    "namespaces": [
      { "type": "pid" },
      { "type": "network", "path": "/run/netns/pod" },
      { "type": "ipc" },
      { "type": "uts" },
      { "type": "mount" },
      { "type": "user" },
      { "type": "cgroup" },
      { "type": "time" }
    ],
    "devices": [
      { "type": "c", "path": "/dev/fuse", "major": 10, "minor": 229, "fileMode": 438, "uid": 0, "gid": 0 },
      { "type": "p", "path": "/run/pipe" }
    ],
    "netDevices": { "eth7": { "name": "eth%d" }, "eth8": {} },
    "seccomp": {
      "defaultAction": "SCMP_ACT_ERRNO",
      "defaultErrnoRet": 38,
      "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
      "flags": ["SECCOMP_FILTER_FLAG_LOG"],
      "listenerPath": "/run/agent.sock",
      "listenerMetadata": "x",
      "syscalls": [
        { "names": ["getcwd", "chmod"], "action": "SCMP_ACT_ALLOW" },
        {
          "names": ["clone"],
          "action": "SCMP_ACT_ERRNO",
          "errnoRet": 1,
          "args": [{ "index": 0, "value": 18446744073709551615, "valueTwo": 2114060288, "op": "SCMP_CMP_MASKED_EQ" }]
        }
      ]
    },
    "rootfsPropagation": "rslave",
    "maskedPaths": ["/proc/acpi", "/proc/kcore", "/sys/firmware"],
    "readonlyPaths": ["/proc/bus", "/proc/sys"],
    "mountLabel": "system_u:object_r:container_file_t:s0:c1,c2",
    "intelRdt": { "closID": "group", "schemata": ["L2:0=f"], "l3CacheSchema": "L3:0=7f0", "memBwSchema": "MB:0=20", "enableMonitoring": true },
    "memoryPolicy": { "mode": "MPOL_BIND", "nodes": "0-1", "flags": ["MPOL_F_STATIC_NODES"] },
    "personality": { "domain": "LINUX32", "flags": [] },
    "timeOffsets": { "monotonic": { "secs": -172800, "nanosecs": 5 }, "boottime": { "secs": 9223372036854775807 } }
  },
  "vm": { "hypervisor": { "path": "/usr/bin/vmm" } },
  "com.example.extension": [1, 2.5, null, 18446744073709551615]
}`;
