import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  checkRuntimeSpec,
  DEFAULT_CAPABILITIES,
  type ImageExecutionConfig,
  type Mount,
  type RuntimeSpec,
} from "@orlop/core";
import { CAPABILITIES } from "@orlop/kernel";
import { parseFlags } from "../flags/parse-flags.ts";
import { buildSpec } from "./build-spec.ts";
import { findUser } from "./container-user.ts";
import type { MachineView } from "./machine-view.ts";
import { RUN_FLAGS } from "./run-flags.ts";
import { readRunOptions } from "./run-options.ts";

const machine: MachineView = {
  cwd: "/here",
  env: {},
  cpuCount: 2,
  modules: { apparmor: false, selinux: false },
  uid: 0,
  gid: 0,
  rootless: false,
  capabilities: new Set(CAPABILITIES.filter((name) => name !== "CAP_SYS_RESOURCE")),
  hostname: "machine",
  home: "/home/me",
  umask: 0o22,
  kernelRelease: "6.12.0",
  swapLimits: true,
  thermalThrottleCpus: [0],
};
const rootless: MachineView = { ...machine, uid: 1000, gid: 1001, rootless: true, capabilities: new Set(CAPABILITIES) };

const passwd = "root:x:0:0::/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/sh\n";
const group = "root:x:0:\nana:x:1000:\nwheel:x:10:ana\n";

interface Given {
  readonly machine?: MachineView;
  readonly config?: ImageExecutionConfig;
  readonly isHost?: boolean;
  /** Of the root file system. */
  readonly mounts?: readonly Mount[];
}

/** The config of `run ARGS`, where nothing but the arguments and what is given decides. */
function spec(args: readonly string[], given: Given = {}): RuntimeSpec {
  const view = given.machine ?? machine;
  const options = readRunOptions(parseFlags(RUN_FLAGS, args), view);
  const built = buildSpec({
    id: "ab".repeat(32),
    options,
    image: { config: given.config ?? {}, mounts: given.mounts ?? [], isHost: given.isHost ?? false },
    user: findUser(options.user ?? given.config?.User ?? "", { passwd, group }, options.groupsToAdd),
    machine: view,
    hostname: options.hostname ?? "0123456789ab",
    files: [],
    windowSize: { rows: 24, columns: 80 },
    seccomp: () => (options.security.seccomp === "unconfined" ? undefined : { defaultAction: "SCMP_ACT_ALLOW" }),
  });
  assert.equal(checkRuntimeSpec(built), built);
  return built;
}

const mount = (built: RuntimeSpec, destination: string): unknown =>
  built.mounts?.find((each) => each.destination === destination);

const EXPECTED: RuntimeSpec = {
  ociVersion: "1.0.2",
  process: {
    terminal: false,
    user: { uid: 0, gid: 0, umask: 0o22, additionalGids: [0] },
    args: ["true"],
    env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=0123456789ab", "HOME=/root"],
    cwd: "/",
    capabilities: {
      bounding: sorted(DEFAULT_CAPABILITIES),
      effective: sorted(DEFAULT_CAPABILITIES),
      permitted: sorted(DEFAULT_CAPABILITIES),
    },
    noNewPrivileges: false,
  },
  root: { path: "/", readonly: false },
  hostname: "0123456789ab",
  mounts: [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    {
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
    },
  ],
  linux: {
    namespaces: [
      { type: "pid" },
      { type: "ipc" },
      { type: "uts" },
      { type: "mount" },
      { type: "network" },
      { type: "cgroup" },
    ],
    resources: { devices: [{ allow: false, access: "rwm" }] },
    seccomp: { defaultAction: "SCMP_ACT_ALLOW" },
    maskedPaths: [
      "/proc/acpi",
      "/proc/asound",
      "/proc/interrupts",
      "/proc/kcore",
      "/proc/keys",
      "/proc/latency_stats",
      "/proc/sched_debug",
      "/proc/scsi",
      "/proc/timer_list",
      "/proc/timer_stats",
      "/sys/devices/virtual/powercap",
      "/sys/firmware",
      "/sys/fs/selinux",
      "/sys/devices/system/cpu/cpu0/thermal_throttle",
    ],
    readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
  },
};

describe("the config of run host true", () => {
  test("is this", () => {
    assert.deepEqual(spec(["host", "true"]), EXPECTED);
  });

  test("is, for an ordinary user, the same in a user namespace", () => {
    const [root, user] = [spec(["host", "true"]), spec(["host", "true"], { machine: rootless, isHost: true })];
    assert.deepEqual(user.linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
    assert.deepEqual(user.linux?.gidMappings, [{ containerID: 0, hostID: 1001, size: 1 }]);
    assert.deepEqual(user.linux?.namespaces, [...(root.linux?.namespaces ?? []), { type: "user" }]);
    assert.deepEqual(user.linux?.resources, {}, "no controller of an ordinary user decides about devices");
    assert.equal(mount(user, "/sys/fs/cgroup"), undefined);
    assert.ok(!JSON.stringify(mount(user, "/dev/pts")).includes("gid="));
    assert.ok(user.process?.env?.includes("HOME=/home/me"), "user 0 is the caller");
    assert.deepEqual(user.linux?.maskedPaths, root.linux?.maskedPaths);
    assert.deepEqual(user.process?.capabilities, root.process?.capabilities);
  });
});

describe("flags", () => {
  test("of the network decide about its namespace, and about /sys of an ordinary user", () => {
    const types = (built: RuntimeSpec): unknown => built.linux?.namespaces?.map(({ type }) => type);
    assert.deepEqual(types(spec(["--network", "host", "host", "x"])), ["pid", "ipc", "uts", "mount", "cgroup"]);
    assert.deepEqual(mount(spec(["--network=host", "host", "x"], { machine: rootless }), "/sys"), {
      destination: "/sys",
      type: "bind",
      source: "/sys",
      options: ["rbind", "nosuid", "noexec", "nodev", "rro", "rprivate"],
    });
  });

  test("of capabilities add and drop, in any spelling", () => {
    const sets = (...flags: readonly string[]): readonly string[] | undefined =>
      spec([...flags, "host", "x"]).process?.capabilities?.effective;
    assert.deepEqual(sets("--cap-add", "net_admin"), sorted([...DEFAULT_CAPABILITIES, "CAP_NET_ADMIN"]));
    assert.deepEqual(
      sets("--cap-drop", "CAP_CHOWN"),
      sorted(DEFAULT_CAPABILITIES.filter((name) => name !== "CAP_CHOWN")),
    );
    assert.deepEqual(sets("--cap-drop", "all"), []);
    assert.deepEqual(sets("--cap-drop", "ALL", "--cap-add", "KILL"), ["CAP_KILL"]);
    const everything = sorted([...machine.capabilities]);
    assert.deepEqual(sets("--cap-add", "ALL"), everything);
    assert.deepEqual(
      sets("--cap-add", "ALL", "--cap-drop", "KILL"),
      everything.filter((name) => name !== "CAP_KILL"),
    );
    assert.deepEqual(sets("--privileged"), everything);
    assert.throws(() => sets("--cap-add", "nope"), { message: 'invalid CapAdd: unknown capability: "nope"' });
    assert.throws(() => sets("--cap-drop", "nope"), { message: 'invalid CapDrop: unknown capability: "nope"' });
    assert.throws(() => sets("--cap-add", "sys_resource"), { code: "denied", message: /does not have it to give/ });
  });

  test("of the user give him his groups and home, and no capabilities but to come back to", () => {
    const named = spec(["-u", "ana", "host", "x"]).process;
    assert.deepEqual(named?.user, { uid: 1000, gid: 1000, umask: 0o22, additionalGids: [1000, 10] });
    assert.ok(named?.env?.includes("HOME=/home/ana"));
    assert.deepEqual(named?.capabilities, { bounding: sorted(DEFAULT_CAPABILITIES) });
    assert.deepEqual(spec(["-u", "1000:wheel", "--group-add", "7", "host", "x"]).process?.user, {
      uid: 1000,
      gid: 10,
      umask: 0o22,
      additionalGids: [10, 7],
    });
  });

  test("of the terminal give it a size and a name", () => {
    const { process } = spec(["-t", "host", "x"]);
    assert.equal(process?.terminal, true);
    assert.deepEqual(process?.consoleSize, { height: 24, width: 80 });
    assert.ok(process?.env?.includes("TERM=xterm"));
    assert.equal(spec(["host", "x"]).process?.consoleSize, undefined);
  });

  test("of privilege open what is closed", () => {
    const { linux, ...built } = spec(["--privileged", "--security-opt", "seccomp=unconfined", "host", "x"]);
    assert.deepEqual([linux?.maskedPaths, linux?.readonlyPaths, linux?.seccomp], [undefined, undefined, undefined]);
    assert.deepEqual(linux?.resources?.devices, [{ allow: true, access: "rwm" }]);
    for (const place of ["/sys", "/sys/fs/cgroup"]) {
      assert.ok(!JSON.stringify(mount(built, place)).includes('"ro"'), place);
    }
  });

  test("of system paths unmask them and nothing else", () => {
    const { linux } = spec(["--security-opt", "systempaths=unconfined", "host", "x"]);
    assert.deepEqual([linux?.maskedPaths, linux?.readonlyPaths], [undefined, undefined]);
    assert.notEqual(linux?.seccomp, undefined);
  });

  test("of devices make a node and a rule for root, and bind the host's node for others", () => {
    const built = spec(["--device", "/dev/zero:/dev/nought:r", "host", "x"]);
    assert.deepEqual(built.linux?.resources?.devices?.at(-1), {
      allow: true,
      type: "c",
      major: 1,
      minor: 5,
      access: "r",
    });
    assert.equal(built.linux?.devices?.[0]?.path, "/dev/nought");
    const user = spec(["--device", "/dev/zero:/dev/nought", "host", "x"], { machine: rootless });
    assert.equal(user.linux?.devices, undefined);
    assert.deepEqual(mount(user, "/dev/nought"), {
      destination: "/dev/nought",
      type: "bind",
      source: "/dev/zero",
      options: ["bind", "rprivate"],
    });
  });

  test("of limits become resources, swap as much as memory unless said", () => {
    const { resources } = spec(["-m", "64m", "--pids-limit", "9", "host", "x"]).linux ?? {};
    assert.deepEqual(resources?.memory, { limit: 67108864, swap: 134217728 });
    assert.deepEqual(resources?.pids, { limit: 9 });
    assert.deepEqual(spec(["-m", "64m", "--memory-swap=-1", "host", "x"]).linux?.resources?.memory, {
      limit: 67108864,
      swap: -1,
    });
    const without = { ...machine, swapLimits: false };
    assert.deepEqual(spec(["-m", "64m", "host", "x"], { machine: without }).linux?.resources?.memory, {
      limit: 67108864,
    });
  });

  test("of mounts replace what stands at their place, and parents come first", () => {
    const built = spec(["-v", "/a:/dev/shm", "--tmpfs", "/x/y/z", "-v", "/b:/x", "--shm-size", "1m", "host", "x"]);
    assert.deepEqual(mount(built, "/dev/shm"), {
      destination: "/dev/shm",
      type: "bind",
      source: "/a",
      options: ["rbind", "rprivate"],
    });
    const places = (built.mounts ?? []).map(({ destination }) => destination);
    assert.ok(places.indexOf("/x") < places.indexOf("/x/y/z"));
    assert.equal(places.filter((place) => place === "/dev/shm").length, 1);
    assert.match(JSON.stringify(mount(spec(["--shm-size", "1m", "host", "x"]), "/dev/shm")), /"size=1048576"\]/);
  });

  test("of mounts hide what the root file system has mounted below their place", () => {
    const of = (destination: string): Mount => ({ destination, type: "bind", source: destination, options: [] });
    const built = spec(["-v", "/here:/mnt", "host", "true"], { mounts: [of("/mnt/disk"), of("/mnt2"), of("/boot")] });
    const found = built.mounts?.map(({ destination }) => destination) ?? [];
    assert.deepEqual(
      ["/mnt", "/mnt/disk", "/mnt2", "/boot"].map((path) => found.includes(path)),
      [true, false, true, true],
    );
  });

  test("of names, root and process are where the spec has them", () => {
    const built = spec([
      ..."--hostname a --domainname b --read-only -w /w --oom-score-adj 7 --sysctl kernel.shmmax=1".split(" "),
      ..."--ulimit nofile=5 --security-opt no-new-privileges host x y".split(" "),
    ]);
    assert.deepEqual([built.hostname, built.domainname, built.root.readonly], ["a", "b", true]);
    assert.deepEqual([built.process?.cwd, built.process?.args, built.process?.oomScoreAdj], ["/w", ["x", "y"], 7]);
    assert.deepEqual(built.linux?.sysctl, { "kernel.shmmax": "1" });
    assert.deepEqual(built.process?.rlimits, [{ type: "RLIMIT_NOFILE", soft: 5, hard: 5 }]);
    assert.equal(built.process?.noNewPrivileges, true);
  });
});

describe("a kernel parameter", () => {
  const cases: readonly [name: string, message: RegExp][] = [
    ["kernel.panic", /it belongs to no namespace, so it would change the host/],
    ["net.ipv4.ip_forward", /it needs a namespace of type network/],
    ["../kernel/panic", /leads out of its directory/],
    ["kernel.hostname", /the field for it is hostname/],
  ];
  for (const [name, message] of cases) {
    test(`of the whole machine is refused: ${name}`, () => {
      assert.throws(() => spec(["--network", "host", "--sysctl", `${name}=1`, "host", "x"]), {
        code: "invalid",
        message,
      });
    });
  }
});

describe("an image's config", () => {
  const config: ImageExecutionConfig = {
    Env: ["PATH=/bin", "A=image"],
    Entrypoint: ["/entry", "-x"],
    Cmd: ["cmd"],
    User: "ana",
    WorkingDir: "/work",
  };
  const process = (...args: readonly string[]) => spec(args, { config }).process;

  test("is what the container starts with", () => {
    const built = process("host");
    assert.deepEqual(built?.args, ["/entry", "-x", "cmd"]);
    assert.equal(built?.cwd, "/work");
    assert.equal(built?.user.uid, 1000);
    assert.deepEqual(built?.env, ["PATH=/bin", "HOSTNAME=0123456789ab", "A=image", "HOME=/home/ana"]);
  });

  test("gives way to the command line", () => {
    assert.deepEqual(process("host", "own")?.args, ["/entry", "-x", "own"]);
    assert.deepEqual(process("--entrypoint", "e", "host")?.args, ["e"]);
    assert.deepEqual(process("--entrypoint", "e", "host", "own")?.args, ["e", "own"]);
    assert.deepEqual(process("--entrypoint=", "host", "own")?.args, ["own"]);
    assert.throws(() => process("--entrypoint=", "host"), { message: /^no command specified/ });
    assert.deepEqual(process("-e", "A=mine", "-e", "PATH", "-u", "0", "-w", "/", "host")?.env, [
      "HOSTNAME=0123456789ab",
      "A=mine",
      "HOME=/root",
    ]);
  });
});

describe("an ordinary user", () => {
  const cases: readonly [flags: readonly string[], message: RegExp][] = [
    [["-u", "ana"], /Cannot use user "ana": a container of an ordinary user has only user 0 and group 0/],
    [["-u", "0:10"], /Cannot use user "0:10"/],
    [["--group-add", "wheel"], /Cannot add group "wheel"/],
    [["--device", "/dev/null:/dev/x:r"], /Cannot give device "\/dev\/null" as r/],
  ];
  for (const [flags, message] of cases) {
    test(`is told what only root can have: ${flags.join(" ")}`, () => {
      assert.throws(() => spec([...flags, "host", "x"], { machine: rootless }), { code: "denied", message });
    });
  }
});

/** In the order of their numbers, which is the order in configs. */
function sorted(names: readonly string[]): readonly string[] {
  return CAPABILITIES.filter((name) => names.includes(name));
}
