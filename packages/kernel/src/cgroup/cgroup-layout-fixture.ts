import type { CgroupTexts } from "./detect-cgroups.ts";

/** Texts as they stand on the kinds of machine that there are; for tests. */
export const V1: CgroupTexts = {
  mountinfo: `\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
30 23 0:25 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755
31 30 0:26 / /sys/fs/cgroup/systemd rw,nosuid shared:10 - cgroup cgroup rw,xattr,name=systemd
32 30 0:27 / /sys/fs/cgroup/pids rw,nosuid shared:11 - cgroup cgroup rw,pids
33 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:12 - cgroup cgroup rw,cpu,cpuacct
34 30 0:29 / /sys/fs/cgroup/memory rw,nosuid shared:13 - cgroup cgroup rw,memory
35 30 0:30 / /sys/fs/cgroup/net_cls,net_prio rw,nosuid shared:14 - cgroup cgroup rw,net_cls,net_prio
36 30 0:31 / /sys/fs/cgroup/devices rw,nosuid shared:15 - cgroup cgroup rw,devices
37 30 0:32 / /sys/fs/cgroup/freezer rw,nosuid shared:16 - cgroup cgroup rw,freezer
38 30 0:33 / /sys/fs/cgroup/blkio rw,nosuid shared:17 - cgroup cgroup rw,blkio
39 30 0:34 / /sys/fs/cgroup/cpuset rw,nosuid shared:18 - cgroup cgroup rw,cpuset
40 30 0:35 / /sys/fs/cgroup/hugetlb rw,nosuid shared:19 - cgroup cgroup rw,hugetlb
`,
  ownCgroups: `\
11:pids:/user.slice/user-1000.slice
10:cpu,cpuacct:/user.slice
9:memory:/user.slice
8:net_cls,net_prio:/
7:devices:/user.slice
6:freezer:/
5:blkio:/user.slice
4:cpuset:/
3:hugetlb:/
2:rdma:/
1:name=systemd:/user.slice/user-1000.slice/session-3.scope
`,
  controllersAt: () => assertNotAsked(),
};

export const V2: CgroupTexts = {
  mountinfo: `\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
35 23 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
`,
  ownCgroups: "0::/user.slice/user-1000.slice/session-3.scope\n",
  controllersAt: () => "cpuset cpu io memory hugetlb pids rdma misc\n",
};

export const HYBRID: CgroupTexts = {
  mountinfo: `\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`,
  ownCgroups: `\
9:name=systemd:/
8:pids:/
7:blkio:/
6:freezer:/
5:devices:/
4:memory:/supervisor/one
3:cpuset:/
2:cpuacct:/
1:cpu:/
0::/
`,
  controllersAt: () => "hugetlb\n",
};

/** Inside a container that has no cgroup namespace of its own. */
export const NESTED_V1: CgroupTexts = {
  mountinfo: `\
700 600 0:80 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ro
701 700 0:81 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,mode=755
702 701 0:29 /docker/c0ffee /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:13 - cgroup cgroup rw,memory
703 701 0:27 /docker/c0ffee /sys/fs/cgroup/pids ro,nosuid,nodev,noexec,relatime master:11 - cgroup cgroup rw,pids
`,
  ownCgroups: "9:memory:/docker/c0ffee\n4:pids:/docker/c0ffee\n0::/docker/c0ffee\n",
  controllersAt: () => assertNotAsked(),
};

/** Inside a container that has one. */
export const NESTED_V2: CgroupTexts = {
  mountinfo: `\
700 600 0:80 / /sys rw,nosuid,nodev,noexec,relatime - sysfs sysfs rw
701 700 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate
`,
  ownCgroups: "0::/\n",
  controllersAt: () => "cpu io memory pids\n",
};

function assertNotAsked(): never {
  throw new Error("asked for cgroup.controllers where there is no version 2 mount");
}
