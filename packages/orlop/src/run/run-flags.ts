// table: the flags of `run`, and those of docker's that are refused
import type { Flag, FlagTable, RefusedFlag } from "../flags/flag.ts";
import { PODMAN_FLAGS, PODMAN_REFUSED } from "./podman-flags.ts";

const PROCESS = "Process";
const FILES = "Files";
const ISOLATION = "Isolation";
const LIMITS = "Limits";
const IMAGE = "Image";
const CONTAINER = "Container";
const NETWORK = "Network";
const HEALTH = "Health";

const flags: readonly Flag[] = [
  { group: PROCESS, name: "interactive", short: "i", help: "Keep standard input connected" },
  { group: PROCESS, name: "tty", short: "t", help: "Give the container a terminal" },
  {
    group: PROCESS,
    name: "attach",
    short: "a",
    value: "stdin|stdout|stderr",
    help: "Of its streams connect these alone; the others are for orlop logs (STDOUT and STDERR, with -i STDIN)",
  },
  {
    group: PROCESS,
    name: "env",
    short: "e",
    value: "NAME[=VALUE]",
    help: "Set a variable; without a value, to what it is here",
  },
  { group: PROCESS, name: "env-file", value: "FILE", help: "Read variables from a file, one a line" },
  { group: PROCESS, name: "workdir", short: "w", value: "DIR", help: "Directory to start in; made when missing" },
  { group: PROCESS, name: "user", short: "u", value: "USER[:GROUP]", help: "User and group, as names or numbers" },
  { group: PROCESS, name: "group-add", value: "GROUP", help: "One more group, as a name or a number" },
  { group: PROCESS, name: "entrypoint", value: "PROGRAM", help: "Program to run instead of the image's" },
  { group: PROCESS, name: "init", help: "Run a small init as process 1: it forwards signals and reaps orphans" },
  { group: PROCESS, name: "sig-proxy", help: "Pass signals on to the container (on unless =false)" },

  {
    group: FILES,
    name: "volume",
    short: "v",
    value: "[HOST:]CONTAINER[:OPTIONS]",
    help: "Bind a file or directory of the host, or a volume; what is missing is made",
  },
  {
    group: FILES,
    name: "mount",
    value: "type=bind|tmpfs|volume,...",
    help: "Mount with every detail said: source, target, readonly, ...",
  },
  {
    group: FILES,
    name: "volumes-from",
    value: "CONTAINER[:ro|rw]",
    help: "Mount what another container has mounted: its volumes, and what it binds",
  },
  { group: FILES, name: "tmpfs", value: "DIR[:OPTIONS]", help: "Mount an empty directory in memory" },
  { group: FILES, name: "read-only", help: "Make the root file system read-only" },
  { group: FILES, name: "shm-size", value: "BYTES", help: "Size of /dev/shm (64m)" },
  {
    group: FILES,
    name: "storage-opt",
    value: "size=BYTES",
    help: "Limit what is written to the root file system (where its file system has quotas)",
  },
  { group: FILES, name: "device", value: "HOST[:CONTAINER][:rwm]", help: "Give access to a device" },

  {
    group: FILES,
    name: "device-cgroup-rule",
    value: "TYPE MAJOR:MINOR ACCESS",
    help: "Allow devices that have no node yet: c 13:* rwm",
  },

  {
    group: NETWORK,
    name: "network",
    aliases: ["net"],
    value: "NETWORK[:ip=...,ip6=...,mac=...,alias=...]",
    help: "none, host, container:NAME, or networks: bridge or one of orlop network create (none; bridge with --publish or --egress)",
  },
  {
    group: NETWORK,
    name: "egress",
    value: "none|all|TO[:PORTS][/PROTOCOL]",
    help: "What it may begin to talk to beyond its networks, by address, prefix or name: 10.1.0.0/16, registry.example:443, *.example.com:80-90 (all)",
  },
  { group: ISOLATION, name: "cap-add", value: "CAPABILITY", help: "Add a capability, or ALL" },
  { group: ISOLATION, name: "cap-drop", value: "CAPABILITY", help: "Take a capability away, or ALL" },
  {
    group: ISOLATION,
    name: "security-opt",
    value: "OPTION",
    help: "seccomp=FILE|unconfined, no-new-privileges, apparmor=PROFILE, systempaths=unconfined",
  },
  { group: ISOLATION, name: "privileged", help: "All capabilities and devices, nothing filtered or masked" },
  {
    group: ISOLATION,
    name: "runtime",
    value: "NAME",
    help: "Who makes the container: process, oci:PROGRAM (oci:runc), shim:NAME (shim:io.containerd.runc.v2) (process)",
  },
  {
    group: ISOLATION,
    name: "pid",
    value: "host|container:NAME",
    help: "Whose processes it sees: this machine's, or another container's (its own)",
  },
  {
    group: ISOLATION,
    name: "ipc",
    value: "private|shareable|none|host|container:NAME",
    help: "Whose IPC it has, with /dev/shm: its own, its own that others may have, without /dev/shm, this machine's, another container's (private)",
  },
  { group: ISOLATION, name: "uts", value: "host", help: "Have this machine's host name (its own)" },
  { group: ISOLATION, name: "cgroupns", value: "host|private", help: "Whose cgroups it sees (private)" },
  {
    group: ISOLATION,
    name: "userns",
    value: "host",
    help: "User namespace: this machine's, which root's containers have; an ordinary user's have their own",
  },
  {
    group: ISOLATION,
    name: "sysctl",
    value: "NAME=VALUE",
    help: "Set a kernel parameter of the container's own namespaces",
  },

  {
    group: NETWORK,
    name: "publish",
    short: "p",
    value: "[ADDRESS:][PORT:]PORT[/PROTOCOL]",
    help: "Have a port of this machine lead to one of the container's; on 127.0.0.1 unless an address is said",
  },
  { group: NETWORK, name: "publish-all", short: "P", help: "Publish all ports that are exposed, on free ports" },
  { group: NETWORK, name: "expose", value: "PORT[/PROTOCOL]", help: "A port for --publish-all, besides the image's" },
  {
    group: NETWORK,
    name: "network-alias",
    aliases: ["net-alias"],
    value: "NAME",
    help: "One more name on the network",
  },
  { group: NETWORK, name: "ip", value: "ADDRESS", help: "IPv4 address on the network" },
  { group: NETWORK, name: "ip6", value: "ADDRESS", help: "IPv6 address on the network" },
  { group: NETWORK, name: "mac-address", value: "ADDRESS", help: "Hardware address on the network" },
  {
    group: NETWORK,
    name: "add-host",
    value: "NAME:ADDRESS",
    help: "A line more in /etc/hosts; host-gateway stands for this machine's address",
  },
  { group: NETWORK, name: "dns", value: "ADDRESS", help: "Server for names, instead of the machine's" },
  { group: NETWORK, name: "dns-search", value: "DOMAIN", help: "Domain to look for names in; . for none" },
  { group: NETWORK, name: "dns-option", aliases: ["dns-opt"], value: "OPTION", help: "Option of resolv.conf(5)" },

  {
    group: LIMITS,
    name: "cgroup-parent",
    value: "PATH",
    help: "Cgroup below which the container's is: absolute, or below that of the caller (orlop)",
  },
  { group: LIMITS, name: "memory", short: "m", value: "BYTES", help: "Memory: 512m, 1g" },
  {
    group: LIMITS,
    name: "memory-reservation",
    value: "BYTES",
    help: "Memory that is taken back last when the host runs short",
  },
  { group: LIMITS, name: "memory-swap", value: "BYTES", help: "Memory and swap together; -1 for unlimited swap" },
  {
    group: LIMITS,
    name: "memory-swappiness",
    value: "NUMBER",
    help: "How willingly memory is swapped out: 0 to 100 (with version 1 of cgroups)",
  },
  {
    group: LIMITS,
    name: "kernel-memory",
    value: "BYTES",
    help: "Memory of the kernel's own, which no kernel from 5.16 on limits apart: a warning says so",
  },
  {
    group: LIMITS,
    name: "oom-kill-disable",
    help: "Have who cannot have more memory wait, instead of ending it (with version 1 of cgroups)",
  },
  { group: LIMITS, name: "cpus", value: "NUMBER", help: "CPUs' worth of time: 0.5, 2" },
  {
    group: LIMITS,
    name: "cpu-shares",
    short: "c",
    value: "NUMBER",
    help: "Weight against other containers (1024 is average)",
  },
  { group: LIMITS, name: "cpu-period", value: "MICROSECONDS", help: "Period that --cpu-quota is counted in" },
  { group: LIMITS, name: "cpu-quota", value: "MICROSECONDS", help: "CPU time in a period" },
  { group: LIMITS, name: "cpuset-cpus", value: "LIST", help: "CPUs to run on: 0-3,7" },
  { group: LIMITS, name: "cpuset-mems", value: "LIST", help: "Memory nodes to use: 0,1" },
  {
    group: LIMITS,
    name: "cpu-rt-period",
    value: "MICROSECONDS",
    help: "Period that --cpu-rt-runtime is counted in (with version 1 of cgroups)",
  },
  {
    group: LIMITS,
    name: "cpu-rt-runtime",
    value: "MICROSECONDS",
    help: "Time in a period for processes of real-time scheduling, out of what --cgroup-parent has of it (with version 1 of cgroups)",
  },
  {
    group: LIMITS,
    name: "blkio-weight",
    value: "NUMBER",
    help: "Weight of reading and writing against other containers: 10 to 1000; 0 for none",
  },
  { group: LIMITS, name: "blkio-weight-device", value: "DEVICE:WEIGHT", help: "The same for one device" },
  {
    group: LIMITS,
    name: "device-read-bps",
    value: "DEVICE:BYTES",
    help: "Bytes a second read from a device: /dev/vda:1mb",
  },
  { group: LIMITS, name: "device-write-bps", value: "DEVICE:BYTES", help: "Bytes a second written to a device" },
  { group: LIMITS, name: "device-read-iops", value: "DEVICE:NUMBER", help: "Reads a second from a device" },
  { group: LIMITS, name: "device-write-iops", value: "DEVICE:NUMBER", help: "Writes a second to a device" },
  { group: LIMITS, name: "pids-limit", value: "NUMBER", help: "Most processes and threads at once; -1 for no limit" },
  {
    group: LIMITS,
    name: "ulimit",
    value: "NAME=SOFT[:HARD]",
    help: "Resource limit of each process: nofile=1024:4096",
  },
  {
    group: LIMITS,
    name: "oom-score-adj",
    value: "NUMBER",
    help: "How willingly the kernel ends it when memory runs out (-1000 to 1000)",
  },

  { group: CONTAINER, name: "name", value: "NAME", help: "Name; two containers that run never have the same" },
  {
    group: CONTAINER,
    name: "hostname",
    short: "h",
    value: "NAME",
    help: "Host name (12 digits of the container's id)",
  },
  { group: CONTAINER, name: "domainname", value: "NAME", help: "NIS domain name" },
  {
    group: CONTAINER,
    name: "cidfile",
    value: "FILE",
    help: "Write the container's id to a file, which must not exist",
  },
  { group: CONTAINER, name: "pod", value: "POD", help: "Join a pod; new:NAME makes one with the ports and networks" },
  {
    group: CONTAINER,
    name: "init-ctr",
    value: "always",
    help: "In a pod: run it to its end before the others, at each start of the pod",
  },
  { group: CONTAINER, name: "rm", help: "Remove the container when it has ended" },
  { group: CONTAINER, name: "detach", short: "d", help: "Leave it running, and print its id" },
  { group: CONTAINER, name: "label", short: "l", value: "KEY[=VALUE]", help: "Note something with the container" },
  {
    group: CONTAINER,
    name: "annotation",
    value: "KEY=VALUE",
    help: "Note something in its OCI config, for its runtime",
  },
  { group: CONTAINER, name: "label-file", value: "FILE", help: "Read labels from a file, one a line" },
  {
    group: CONTAINER,
    name: "restart",
    value: "POLICY",
    help: "When to start it again after its end: no, on-failure[:TIMES], always, unless-stopped (no)",
  },
  { group: CONTAINER, name: "stop-signal", value: "SIGNAL", help: "What asks it to stop (the image's, or SIGTERM)" },
  { group: CONTAINER, name: "stop-timeout", value: "SECONDS", help: "How long a stop waits before it kills (10)" },
  {
    group: CONTAINER,
    name: "log-driver",
    value: "file|passthrough|none",
    help: "What becomes of its output: kept for orlop logs, left to the caller's descriptors, or gone (file; passthrough with --rm in the foreground)",
  },
  {
    group: CONTAINER,
    name: "log-opt",
    value: "NAME=VALUE",
    help: "max-size=BYTES and max-file=NUMBER of its log; labels=, labels-regex=, env=, env-regex= and tag= for orlop logs --details",
  },
  {
    group: CONTAINER,
    name: "detach-keys",
    value: "KEYS",
    help: "What is typed to leave it running: ctrl-p,ctrl-q",
  },
  {
    group: CONTAINER,
    name: "requires",
    value: "CONTAINER[,CONTAINER...]",
    help: "Containers that are started before it, and not removed before it",
  },
  {
    group: HEALTH,
    name: "health-cmd",
    value: "COMMAND",
    help: "Line for the shell in the container that exits with 0 when all is well",
  },
  { group: HEALTH, name: "health-interval", value: "DURATION", help: "From one probe to the next (30s)" },
  { group: HEALTH, name: "health-timeout", value: "DURATION", help: "How long a probe may take (30s)" },
  { group: HEALTH, name: "health-retries", value: "NUMBER", help: "Failures in a row that make it unhealthy (3)" },
  {
    group: HEALTH,
    name: "health-start-period",
    value: "DURATION",
    help: "So long after a start failures do not count (0s)",
  },
  {
    group: HEALTH,
    name: "health-start-interval",
    value: "DURATION",
    help: "From one probe to the next in that time (5s)",
  },
  { group: HEALTH, name: "no-healthcheck", help: "Do not check what the image says is to be checked" },
  {
    group: IMAGE,
    name: "pull",
    value: "missing|always|never",
    help: "When to ask a registry for the image (missing)",
  },
  {
    group: IMAGE,
    name: "platform",
    value: "OS/ARCH[/VARIANT]",
    help: "Of an image for several platforms, take this one",
  },
  { group: IMAGE, name: "quiet", short: "q", help: "Show no progress while the image comes" },
  ...PODMAN_FLAGS,
];

const windows = "it is about Windows";
const noLinks = "use a network of your own, whose containers know each other by name";
const noApi = "programs in it would need orlop itself";

const refused: readonly RefusedFlag[] = [
  { name: "link", reason: noLinks },
  { name: "link-local-ip", reason: "the kernel gives those" },
  { name: "disable-content-trust", isSwitch: true, reason: "docker's notary is not asked for anything" },
  { name: "volume-driver", reason: "volumes are directories of this machine" },
  { name: "isolation", reason: "there is one kind of isolation yet, the process" },
  { name: "gpus", reason: "name the devices with --device" },
  { name: "use-api-socket", isSwitch: true, reason: noApi },
  { name: "cpu-count", reason: windows },
  { name: "cpu-percent", reason: windows },
  { name: "io-maxbandwidth", reason: windows },
  { name: "io-maxiops", reason: windows },
  ...PODMAN_REFUSED,
];

export const RUN_FLAGS: FlagTable = { flags, refused };
