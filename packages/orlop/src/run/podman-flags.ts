// table: flags of podman's run and create beside docker's, and those of them that are refused
import type { Flag, RefusedFlag } from "../flags/flag.ts";

const PROCESS = "Process";
const FILES = "Files";
const IMAGE = "Image";
const CONTAINER = "Container";
const NETWORK = "Network";
const LIMITS = "Limits";

export const PODMAN_FLAGS: readonly Flag[] = [
  { group: PROCESS, name: "env-host", help: "Set all variables as they are here; --env and --env-file go before" },
  {
    group: PROCESS,
    name: "http-proxy",
    help: "Set the variables of proxies (http_proxy, no_proxy, ...) as they are here",
  },
  {
    group: PROCESS,
    name: "unsetenv",
    value: "NAME",
    help: "Take a variable of the image, or one that every container has, away",
  },
  { group: PROCESS, name: "unsetenv-all", help: "Take them all away: there are those alone that are set here" },
  { group: PROCESS, name: "umask", value: "MODE", help: "File modes that new files do not get, in octal (0022)" },
  { group: PROCESS, name: "tz", value: "ZONE|local", help: "Time zone: Europe/Berlin, or this machine's" },
  {
    group: PROCESS,
    name: "personality",
    value: "LINUX|LINUX32",
    help: "What uname(2) tells it the machine is (LINUX)",
  },
  {
    group: PROCESS,
    name: "preserve-fds",
    value: "NUMBER",
    help: "Pass on so many open descriptors, from 3 up (with --rm, in the foreground)",
  },
  {
    group: FILES,
    name: "rootfs",
    help: "What stands for the image is a directory, which is written to; DIR:O to throw that away",
  },
  { group: FILES, name: "read-only-tmpfs", help: "With --read-only, memory to write to at /run, /tmp and /var/tmp" },
  {
    group: FILES,
    name: "image-volume",
    value: "bind|tmpfs|ignore",
    help: "What becomes of the places that the image wants volumes at: volumes, memory, or nothing (bind)",
  },
  { group: NETWORK, name: "no-hosts", help: "Leave /etc/hosts as the image has it" },
  { group: NETWORK, name: "no-hostname", help: "Leave /etc/hostname as the image has it" },
  {
    group: LIMITS,
    name: "cgroup-conf",
    value: "FILE=VALUE",
    help: "Write to a file of its cgroup: memory.high=1073741824 (with version 2 of cgroups)",
  },
  { group: CONTAINER, name: "timeout", value: "SECONDS", help: "Kill it when it has run for so long (0: never)" },
  { group: CONTAINER, name: "replace", help: "Remove the container of that name first, whatever it does" },
  {
    group: CONTAINER,
    name: "pod-id-file",
    value: "FILE",
    help: "Join the pod whose id pod create has written to a file",
  },
  {
    group: IMAGE,
    name: "arch",
    value: "ARCH",
    help: "Of an image for several platforms, the one for this architecture",
  },
  { group: IMAGE, name: "os", value: "OS", help: "The same for an operating system" },
  { group: IMAGE, name: "variant", value: "VARIANT", help: "The same for a variant of the architecture" },
];

const accounts = "accounts are the image's; orlop reads its /etc/passwd and writes none";
const mappings =
  "root's containers have this machine's user namespace, and an ordinary user's one where user 0 is the caller";
const noConmon = "there is no conmon; orlop inspect -f '{{.State.Pid}}' tells the process";
const startup = "probes begin after --health-start-period, and more often within it with --health-start-interval";
const healthLog = "the last probes are kept with the container, where orlop inspect tells them";
const beforehand = "pull the image beforehand, with that flag of orlop pull";

export const PODMAN_REFUSED: readonly RefusedFlag[] = [
  { name: "authfile", reason: beforehand },
  { name: "cert-dir", reason: beforehand },
  { name: "creds", reason: beforehand },
  { name: "decryption-key", reason: "layers that are encrypted are not read" },
  { name: "tls-verify", isSwitch: true, reason: beforehand },
  { name: "signature-policy", reason: beforehand },
  { name: "retry", reason: "a pull tries again by itself" },
  { name: "retry-delay", reason: "a pull tries again by itself" },
  {
    name: "cgroups",
    reason: "every container has a cgroup where its user may have one; --cgroup-parent says below which",
  },
  { name: "chrootdirs", reason: "/etc/hosts, /etc/hostname and /etc/resolv.conf are at their places alone" },
  { name: "conmon-pidfile", reason: noConmon },
  { name: "pidfile", reason: noConmon },
  { name: "env-merge", reason: "set the whole value with --env; orlop inspect tells the image's" },
  { name: "gidmap", reason: mappings },
  { name: "uidmap", reason: mappings },
  { name: "subgidname", reason: mappings },
  { name: "subuidname", reason: mappings },
  { name: "group-entry", reason: accounts },
  { name: "hostuser", reason: accounts },
  { name: "passwd", isSwitch: true, reason: accounts },
  { name: "passwd-entry", reason: accounts },
  { name: "health-on-failure", reason: "orlop events --filter event=health_status tells it to who is to act on it" },
  { name: "health-log-destination", reason: healthLog },
  { name: "health-max-log-count", reason: healthLog },
  { name: "health-max-log-size", reason: healthLog },
  { name: "health-startup-cmd", reason: startup },
  { name: "health-startup-interval", reason: startup },
  { name: "health-startup-retries", reason: startup },
  { name: "health-startup-success", reason: startup },
  { name: "health-startup-timeout", reason: startup },
  { name: "hosts-file", reason: "add lines with --add-host, or bind a file of your own with -v" },
  { name: "init-path", reason: "--init brings an init of orlop's own" },
  { name: "preserve-fd", reason: "pass them on as those from 3 up, with --preserve-fds" },
  { name: "rdt-class", reason: "classes of resctrl are for containers of orlop-oci" },
  { name: "rmi", isSwitch: true, reason: "remove the image afterwards, with orlop rmi" },
  { name: "sdnotify", reason: "run it under orlop quadlet or orlop generate systemd, whose services tell systemd" },
  {
    name: "seccomp-policy",
    reason: "profiles are files, said with --security-opt seccomp=FILE, and not labels of images",
  },
  { name: "secret", reason: "there is no store of secrets; bind a file: -v FILE:/run/secrets/NAME:ro" },
  { name: "shm-size-systemd", reason: "there is no mode for systemd; mount memory with --tmpfs" },
  {
    name: "systemd",
    reason:
      "nothing is set up for it by itself; try --tmpfs /run --tmpfs /tmp --stop-signal RTMIN+3, and --privileged for its cgroup",
  },
];
