import type { LinuxDeviceCgroup } from "@orlop/core";

/** A rule that every container gets, with its reason. */
interface DefaultDeviceRule extends LinuxDeviceCgroup {
  readonly why: string;
}

// table: devices of the container's default /dev (config-linux.md, "Default Devices"), and what runc and crun add
/**
 * Rules that stand after those of `linux.resources.devices`, so that the devices which the runtime itself puts
 * into every container are usable whatever the list says; runc and crun do the same.
 */
export const DEFAULT_DEVICE_RULES: readonly DefaultDeviceRule[] = [
  { allow: true, type: "c", access: "m", why: "a node can be made for any device; opening it is another matter" },
  { allow: true, type: "b", access: "m", why: "a node can be made for any device; opening it is another matter" },
  { allow: true, type: "c", major: 1, minor: 3, access: "rwm", why: "/dev/null" },
  { allow: true, type: "c", major: 1, minor: 5, access: "rwm", why: "/dev/zero" },
  { allow: true, type: "c", major: 1, minor: 7, access: "rwm", why: "/dev/full" },
  { allow: true, type: "c", major: 1, minor: 8, access: "rwm", why: "/dev/random" },
  { allow: true, type: "c", major: 1, minor: 9, access: "rwm", why: "/dev/urandom" },
  { allow: true, type: "c", major: 5, minor: 0, access: "rwm", why: "/dev/tty" },
  { allow: true, type: "c", major: 5, minor: 1, access: "rwm", why: "/dev/console" },
  { allow: true, type: "c", major: 5, minor: 2, access: "rwm", why: "/dev/ptmx" },
  { allow: true, type: "c", major: 136, access: "rwm", why: "/dev/pts/*" },
  {
    allow: true,
    type: "c",
    major: 10,
    minor: 200,
    access: "rwm",
    why: "/dev/net/tun: runc dropped it once and had to take it back, VPN containers rely on it",
  },
];
