import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DifferentialConfig } from "../differential/differential-config.ts";
import { baseSpec, linuxConfig, withLinux } from "./base-spec.ts";

const deny = { allow: false, access: "rwm" } as const;

const nodeConfigs: readonly DifferentialConfig[] = [
  linuxConfig("devices", "devices of every type, with mode and owner", {
    devices: [
      { type: "c", path: "/dev/mine", major: 1, minor: 3, fileMode: 0o640, uid: 1000, gid: 2000 },
      { type: "u", path: "/dev/unbuffered", major: 1, minor: 5, fileMode: 0o600 },
      { type: "b", path: "/dev/block", major: 7, minor: 99, fileMode: 0o660 },
      { type: "p", path: "/dev/fifo", fileMode: 0o622, uid: 1, gid: 1 },
      { type: "c", path: "/dev/sub/deep/null", major: 1, minor: 3, fileMode: 0o666 },
    ],
  }),
  linuxConfig("device-default-mode", "a device without a mode", {
    devices: [{ type: "c", path: "/dev/plain", major: 1, minor: 3 }],
  }),
  linuxConfig("device-outside-dev", "a device outside /dev", {
    devices: [{ type: "c", path: "/var/null", major: 1, minor: 3, fileMode: 0o666 }],
  }),
  linuxConfig("device-over-default", "one of the usual devices with another mode", {
    devices: [{ type: "c", path: "/dev/null", major: 1, minor: 3, fileMode: 0o600, uid: 1000, gid: 1000 }],
  }),
  linuxConfig("device-relative", "a relative device path", {
    devices: [{ type: "c", path: "dev/relative", major: 1, minor: 3 }],
  }),
  linuxConfig("device-on-directory", "a device where a directory is", {
    devices: [{ type: "c", path: "/dev/shm", major: 1, minor: 3 }],
  }),
];

const ruleConfigs: readonly DifferentialConfig[] = [
  linuxConfig("device-rules", "rules of the device controller", {
    resources: {
      devices: [
        deny,
        { allow: true, type: "c", major: 10, minor: 229, access: "rwm" },
        { allow: true, type: "b", major: 7, access: "r" },
        { allow: true, type: "c", major: 13, minor: -1, access: "rw" },
      ],
    },
  }),
  linuxConfig("device-rules-allow-all", "a device controller that allows everything", {
    resources: { devices: [{ allow: true, access: "rwm" }] },
  }),
  linuxConfig("device-rules-take-back", "a rule that takes back part of an earlier one", {
    resources: {
      devices: [
        deny,
        { allow: true, type: "c", major: 10, minor: 229, access: "rwm" },
        { allow: false, type: "c", major: 10, minor: 229, access: "w" },
      ],
    },
  }),
  linuxConfig("device-rules-none", "no device rules", { resources: {} }),
];

const pathConfigs: readonly DifferentialConfig[] = [
  {
    name: "masked-paths",
    exercises: "masked files, directories, links and paths that do not exist",
    make: (context) => {
      mkdirSync(join(context.rootfs, "secret"));
      writeFileSync(join(context.rootfs, "secret/file"), "secret\n");
      symlinkSync("secret", join(context.rootfs, "link"));
      return withLinux(baseSpec(context), { maskedPaths: ["/etc/passwd", "/secret", "/nowhere", "/proc/keys"] });
    },
    extra: 'echo "passwd $(cat /etc/passwd)"; echo "secret $(ls -A /secret)"; echo "link $(ls -A /link/)"',
  },
  {
    name: "masked-link",
    exercises: "a masked path that is a link",
    make: (context) => {
      mkdirSync(join(context.rootfs, "secret"));
      symlinkSync("secret", join(context.rootfs, "link"));
      return withLinux(baseSpec(context), { maskedPaths: ["/link"] });
    },
  },
  {
    name: "readonly-paths",
    exercises: "read-only files, directories and paths that do not exist",
    make: (context) =>
      withLinux(baseSpec(context), { readonlyPaths: ["/etc/passwd", "/tmp", "/nowhere", "/proc/sys"] }),
  },
  linuxConfig("readonly-path-relative", "a relative read-only path", { readonlyPaths: ["tmp"] }),
  linuxConfig("masked-path-relative", "a relative masked path", { maskedPaths: ["tmp"] }),
  linuxConfig("masked-and-readonly", "a path both masked and read-only", {
    maskedPaths: ["/proc/irq"],
    readonlyPaths: ["/proc/irq"],
  }),
];

/** Device nodes, device rules, masked and read-only paths. */
export const deviceConfigs: readonly DifferentialConfig[] = [...nodeConfigs, ...ruleConfigs, ...pathConfigs];
