import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CgroupLayout } from "@orlop/kernel";
import { cgroupChecks } from "./cgroup-checks.ts";
import type { DoctorHost } from "./doctor-host.ts";
import type { Finding } from "./finding.ts";
import { findingsText } from "./findings-text.ts";
import { machineChecks } from "./machine-checks.ts";
import { networkChecks } from "./network-checks.ts";
import { programChecks } from "./program-checks.ts";
import { userNamespaceChecks } from "./user-namespace-checks.ts";

const hierarchy: NonNullable<CgroupLayout["v2"]> = {
  version: 2,
  controllers: ["cpuset", "cpu", "io", "memory", "pids"],
  name: undefined,
  mountPoint: "/sys/fs/cgroup",
  mountRoot: "/",
  ownPath: "/me",
  ownDirectory: "/sys/fs/cgroup/me",
  readOnly: false,
  noPrefix: false,
};
const v2: CgroupLayout = { mode: "v2", v1: [], v2: hierarchy };

interface Given extends Partial<Omit<DoctorHost, "readText" | "exists" | "canWrite" | "findProgram">> {
  readonly files?: Readonly<Record<string, string | undefined>>;
  readonly writable?: readonly string[];
  readonly programs?: readonly string[];
}

const wellFiles = {
  "/proc/filesystems": "nodev\tsysfs\nnodev\toverlay\n\terofs\n",
  "/proc/sys/kernel/seccomp/actions_avail": "kill_process kill_thread trap errno user_notif trace log allow\n",
  "/proc/self/status": "Name:\tx\nCapEff:\t000001ffffffffff\n",
  "/proc/self/ns/user": "",
  "/dev/net/tun": "",
  "/proc/sys/user/max_user_namespaces": "63000\n",
  "/sys/fs/cgroup/me/cgroup.controllers": "cpuset cpu io memory pids\n",
};

/** linux/magic.h */
const [EXT4, OVERLAY, TMPFS] = [0xef53, 0x794c_7630, 0x0102_1994];

/** A machine where all is well, but for what is given. */
function host({
  files = {},
  writable = ["/sys/fs/cgroup/me", "/dev/net/tun"],
  programs = ["newuidmap", "newgidmap", "slirp4netns", "pasta"],
  ...given
}: Given = {}): DoctorHost {
  const all: Readonly<Record<string, string | undefined>> = { ...wellFiles, ...files };
  return {
    uid: 1000,
    nodeVersion: "26.1.0",
    architecture: "x64",
    kernelRelease: "6.12.0-1-amd64",
    snapshotter: undefined,
    snapshotterProblem: undefined,
    systemdSockets: ["/run/user/1000/systemd/private", "/run/user/1000/bus"],
    imageFileSystem: EXT4,
    cgroups: () => v2,
    ...given,
    readText: (path) => all[path],
    exists: (path) => all[path] !== undefined,
    canWrite: (path) => writable.includes(path),
    findProgram: (name) => (programs.includes(name) ? `/usr/bin/${name}` : undefined),
  };
}

const examine = (given?: Given): readonly Finding[] => {
  const machine = host(given);
  return [
    ...machineChecks(machine),
    ...userNamespaceChecks(machine),
    ...networkChecks(machine),
    ...cgroupChecks(machine),
  ];
};

test("finds nothing where all is well, for root and for others", () => {
  for (const uid of [0, 1000]) {
    assert.deepEqual(
      examine({ uid }).filter(({ severity }) => severity !== "ok"),
      [],
    );
  }
});

describe("finds what is lacking", () => {
  const off = (path: string, value: string): Given => ({ files: { [path]: value } });
  const cases: readonly [what: string, given: Given, severity: string, found: RegExp, fix?: RegExp][] = [
    [
      "a program for networks",
      { programs: ["newuidmap", "newgidmap"] },
      "warning",
      /neither slirp4netns/,
      /slirp4netns/,
    ],
    ["the smaller one", { programs: ["newuidmap", "newgidmap", "pasta"] }, "warning", /no slirp4netns/, /slirp4netns/],
    ["one for IPv6", { programs: ["newuidmap", "newgidmap", "slirp4netns"] }, "warning", /no pasta/, /passt/],
    ["the device of networks", { files: { "/dev/net/tun": undefined } }, "warning", /no \/dev\/net\/tun/, /modprobe/],
    ["the right to use it", { writable: ["/sys/fs/cgroup/me"] }, "warning", /root's alone/, /chmod 0666/],
    ["an old Node.js", { nodeVersion: "22.1.0" }, "failure", /22\.1\.0/, /npm ci/],
    ["a foreign processor", { architecture: "riscv64" }, "failure", /riscv64/],
    ["an old kernel", { kernelRelease: "5.4.0-99" }, "failure", /5\.4\.0-99/, /linux-image/],
    ["no overlay", off("/proc/filesystems", "\text4\n"), "failure", /not known/, /sudo modprobe overlay/],
    [
      "no erofs",
      { uid: 0, ...off("/proc/filesystems", "nodev\toverlay\n") },
      "warning",
      /overlay: the kernel does not know erofs/,
      /CONFIG_EROFS_FS/,
    ],
    [
      "a kernel that mounts no files",
      { uid: 0, kernelRelease: "6.1.0-44-amd64" },
      "warning",
      /overlay: EROFS images are mounted from Linux 6\.12 on/,
      /BACKED_BY_FILE/,
    ],
    [
      "overlay for root alone",
      { kernelRelease: "5.10.0-30-amd64" },
      "warning",
      /\(native\): .* needs Linux 5\.11/,
      /orlop as root/,
    ],
    [
      "no seccomp",
      off("/proc/sys/kernel/seccomp/actions_avail", ""),
      "failure",
      /without kill_process/,
      /seccomp=unconfined/,
    ],
    [
      "little seccomp",
      off("/proc/sys/kernel/seccomp/actions_avail", "kill_process errno allow"),
      "warning",
      /without user_notif/,
    ],
    [
      "a kernel without user namespaces",
      { files: { "/proc/self/ns/user": undefined } },
      "failure",
      /not in this kernel/,
    ],
    [
      "none allowed",
      off("/proc/sys/user/max_user_namespaces", "0\n"),
      "failure",
      /max_user_namespaces/,
      /sysctl -w user\.max/,
    ],
    [
      "Debian's switch",
      off("/proc/sys/kernel/unprivileged_userns_clone", "0\n"),
      "failure",
      /for root only/,
      /userns_clone=1/,
    ],
    [
      "Ubuntu's restriction",
      off("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n"),
      "failure",
      /by AppArmor/,
      /apparmor_restrict_unprivileged_userns=0/,
    ],
    [
      "root in a container",
      { uid: 0, files: { "/proc/self/status": "CapEff:\t00000000a80425fb\n" } },
      "failure",
      /root of a container/,
    ],
    ["no newuidmap", { programs: [] }, "warning", /no newuidmap/, /apt-get install uidmap/],
    [
      "no cgroups",
      { cgroups: () => ({ mode: "none", v1: [], v2: undefined }) },
      "warning",
      /not mounted/,
      /mount -t cgroup2/,
    ],
    [
      "no memory controller",
      { cgroups: () => ({ ...v2, v2: { ...hierarchy, controllers: ["cpu", "cpuset", "pids"] } }) },
      "warning",
      /without memory/,
      /cgroup_enable=memory/,
    ],
    ["cgroups of somebody else", { writable: [] }, "warning", /cgroup\/me is not this user's/, /enable-linger/],
    [
      "half delegated",
      off("/sys/fs/cgroup/me/cgroup.controllers", "memory pids\n"),
      "warning",
      /cpu, cpuset not delegated/,
      /delegate\.conf/,
    ],
    [
      "version 1",
      { cgroups: () => ({ mode: "v1", v1: [{ ...hierarchy, version: 1 }], v2: undefined }) },
      "warning",
      /cannot be delegated/,
    ],
    [
      "a read-only hierarchy",
      { uid: 0, cgroups: () => ({ ...v2, v2: { ...hierarchy, readOnly: true } }) },
      "warning",
      /mounted read-only/,
      /remount,rw/,
    ],
    [
      "unreadable cgroups",
      {
        cgroups: () => {
          throw new Error("no /proc");
        },
      },
      "warning",
      /no \/proc/,
    ],
  ];
  for (const [what, given, severity, found, fix] of cases) {
    test(what, () => {
      const lacking = examine(given).filter((each) => each.severity !== "ok");
      const finding = lacking.find((each) => found.test(each.found));
      assert.ok(finding, JSON.stringify(lacking));
      assert.equal(finding.severity, severity);
      assert.ok(finding.why, "it says why that matters");
      if (fix !== undefined) assert.match(finding.fix ?? "", fix);
    });
  }

  test("root does without what only others need", () => {
    const [finding] = examine({ uid: 0, files: { "/proc/sys/user/max_user_namespaces": "0" } }).filter(
      ({ severity }) => severity !== "ok",
    );
    assert.equal(finding?.severity, "warning");
  });

  test("what keeps the layers of images is told, also where the user has chosen it", () => {
    const found = (given: Given): string | undefined => examine(given).find(({ check }) => check === "images")?.found;
    assert.equal(found({ uid: 0 }), "layers are mounted as EROFS images");
    assert.match(found({ uid: 1000 }) ?? "", /^layers are directories under overlay; .* for root$/);
    const debian = { "/sys/module/overlay/parameters/permit_mounts_in_userns": "Y\n" };
    const old = { uid: 1000, kernelRelease: "5.10.0-33-amd64" };
    assert.match(found({ ...old, files: debian }) ?? "", /^layers are directories under overlay/);
    assert.match(found(old) ?? "", /copy of its image's files \(native\): .* needs Linux 5\.11/);
    assert.match(found({ imageFileSystem: OVERLAY }) ?? "", /\(native\): .* does not write to overlay/);
    assert.match(found({ uid: 0, imageFileSystem: OVERLAY }) ?? "", /\(native\): .* does not write to overlay/);
    assert.match(found({ uid: 0, imageFileSystem: TMPFS }) ?? "", /under overlay: .* no images from memory/);
    assert.match(
      found({ uid: 1000, imageFileSystem: TMPFS }) ?? "",
      /^layers are directories under overlay; .* for root$/,
    );
    assert.equal(found({ snapshotter: "overlay" }), "layers are kept by overlay, as ORLOP_SNAPSHOTTER says");
  });

  test("what a user has named has to be there", () => {
    const snapshotterProblem = 'Cannot use snapshotter "x": there is none of this name\nTry erofs or overlay.';
    const named = examine({ snapshotter: "x", snapshotterProblem }).find(({ check }) => check === "images");
    assert.equal(named?.severity, "warning");
    assert.equal(named?.found, 'Cannot use snapshotter "x": there is none of this name');
    assert.equal(named?.fix, "erofs or overlay, or no ORLOP_SNAPSHOTTER at all");
  });

  test("overlay may be a module that is not loaded yet", () => {
    const files = {
      "/proc/filesystems": "\terofs\n",
      "/lib/modules/6.12.0-1-amd64/modules.dep": "kernel/fs/overlayfs/overlay.ko.xz:\n",
    };
    assert.deepEqual(
      examine({ files }).filter(({ severity }) => severity !== "ok"),
      [],
    );
  });

  test("limits are the user's systemd's to hand out where a login's cgroup is not the user's", () => {
    const manager = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service";
    const files = {
      "/run/user/1000/systemd/private": "",
      [`${manager}/cgroup.controllers`]: "cpuset cpu memory pids\n",
    };
    const limits = (given: Given) => cgroupChecks(host(given)).at(-1);
    const { severity, found } = limits({ files, writable: [manager] }) ?? {};
    assert.deepEqual([severity, found], ["ok", "delegated to this user, by the user's systemd"]);
    assert.equal(limits({ files })?.found, "delegated to this user");
    assert.equal(limits({ files: {}, writable: [manager] })?.severity, "warning");
    const elsewhere = limits({
      files,
      writable: [manager],
      systemdSockets: ["/tmp/run/systemd/private", "/tmp/run/bus"],
    });
    assert.equal(elsewhere?.severity, "warning", "XDG_RUNTIME_DIR does not lead to it");
  });

  test("programs that tests use", () => {
    const findings = programChecks(host({ programs: ["crun", "qemu-aarch64-static"] }));
    const lacking = findings.filter(({ severity }) => severity !== "ok").map(({ check }) => check);
    assert.ok(lacking.includes("runc") && !lacking.includes("crun") && !lacking.includes("qemu-aarch64"));
    assert.equal(findings.find(({ check }) => check === "runc")?.fix, "sudo apt-get install runc");
  });
});

test("is printed for people: what, why, and a line to copy", () => {
  const findings: readonly Finding[] = [
    { check: "kernel", severity: "ok", found: "Linux" },
    {
      check: "overlay",
      severity: "failure",
      found: "gone",
      why: "it takes what is written and this goes on",
      fix: "modprobe overlay",
    },
  ];
  const text = findingsText([{ title: "Title", findings }], { color: false, width: 40 });
  assert.equal(
    text,
    [
      "Title",
      "",
      "  ok  kernel                      Linux",
      "  XX  overlay                     gone",
      "      why: it takes what is written and",
      "           this goes on",
      "      fix: modprobe overlay",
      "",
    ].join("\n"),
  );
  assert.ok(findingsText([{ title: "Title", findings }], { color: true, width: 40 }).includes("\u001b[31mXX\u001b[0m"));
});
