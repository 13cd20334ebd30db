import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { RLIM_INFINITY } from "@orlop/core";
import { parseFlags } from "../flags/parse-flags.ts";
import { RUN_FLAGS } from "./run-flags.ts";
import { type CallerView, type RunOptions, readRunOptions } from "./run-options.ts";

const scratch = mkdtempSync(join(tmpdir(), "orlop-options-"));
after(() => rmSync(scratch, { recursive: true }));

const caller: CallerView = {
  cwd: "/here/now",
  env: { SET: "from the caller", EMPTY: "" },
  cpuCount: 4,
  modules: { apparmor: false, selinux: false },
  rootless: false,
};

function read(args: readonly string[], view: CallerView = caller): RunOptions {
  return readRunOptions(parseFlags(RUN_FLAGS, args), view);
}

/** The options of a command line of `run host`. */
const options = (...flags: readonly string[]): RunOptions => read([...flags, "host"]);

const mountOf = (...flags: readonly string[]): unknown => options(...flags).mounts[0];

describe("the image and the command", () => {
  const images: readonly [text: string, image: RunOptions["image"]][] = [
    ["host", { kind: "host" }],
    ["dir:/a/b", { kind: "directory", path: "/a/b", writable: false }],
    ["dir:a", { kind: "directory", path: "/here/now/a", writable: false }],
    ["dir:.:rw", { kind: "directory", path: "/here/now", writable: true }],
    ["dir:/a:b", { kind: "directory", path: "/a:b", writable: false }],
    ["oci:../x", { kind: "oci-layout", path: "/here/x", tag: undefined }],
    ["oci:/x:docker.io/a/b:1.0", { kind: "oci-layout", path: "/x", tag: "docker.io/a/b:1.0" }],
  ];
  for (const [text, image] of images) {
    test(`are read: ${text}`, () => assert.deepEqual(read([text]).image, image));
  }

  test("end the flags, and one -- behind the image is skipped", () => {
    assert.deepEqual(read(["host", "sh", "-c", "x", "--rm"]).command, ["sh", "-c", "x", "--rm"]);
    assert.deepEqual(read(["host", "--", "-x"]).command, ["-x"]);
    assert.deepEqual(read(["host", "--", "--", "x"]).command, ["--", "x"]);
    assert.deepEqual(read(["--", "host", "x"]).command, ["x"]);
  });
});

describe("flags of run", () => {
  test("are off, empty or absent when not given", () => {
    const { interactive, tty, init, privileged, readOnly, signalProxy, network, limits } = options();
    assert.deepEqual(
      { interactive, tty, init, privileged, readOnly, signalProxy, network, limits },
      {
        interactive: false,
        tty: false,
        init: false,
        privileged: false,
        readOnly: false,
        signalProxy: true,
        network: { kind: "none" },
        limits: {},
      },
    );
  });

  test("have docker's short names", () => {
    const given = options(
      "-it",
      "-h",
      "name",
      "-u",
      "1:2",
      "-w",
      "/w",
      "-m",
      "8m",
      "-c",
      "5",
      "-e",
      "A=1",
      "-v",
      "/a:/b",
    );
    assert.deepEqual(
      [given.interactive, given.tty, given.hostname, given.user, given.workdir, given.limits, given.variables],
      [
        true,
        true,
        "name",
        "1:2",
        "/w",
        { memory: { limit: 8388608 }, cpu: { shares: 5 } },
        [{ name: "A", value: "1" }],
      ],
    );
    assert.equal(given.mounts.length, 1);
  });

  test("that are a text are not given where that is empty, as docker's", () => {
    const empty = [
      "name",
      "hostname",
      "domainname",
      "workdir",
      "stop-signal",
      "platform",
      "cidfile",
      "runtime",
      "network",
    ];
    const more = ["cgroup-parent", "cpuset-cpus", "cpuset-mems", "log-driver", "mac-address", "ip", "ip6"];
    const { source: _, ...read } = options(...[...empty, ...more].map((name) => `--${name}=`));
    const { source: __, ...none } = options();
    assert.deepEqual(read, none);
  });

  test("take variables from files first, then from the command line, unset ones from the caller", () => {
    const file = join(scratch, "env");
    writeFileSync(file, '# comment\n\n  A=from file \nSET\nUNSET\nQUOTED="q"\r\nEQ=a=b\n');
    const given = options("-e", "B=1", "--env-file", file, "-e", "SET", "-e", "UNSET", "-e", "EMPTY", "-e", "C=");
    assert.deepEqual(given.variables, [
      { name: "A", value: "from file " },
      { name: "SET", value: "from the caller" },
      { name: "QUOTED", value: '"q"' },
      { name: "EQ", value: "a=b" },
      { name: "B", value: "1" },
      { name: "SET", value: "from the caller" },
      { name: "UNSET", value: undefined },
      { name: "EMPTY", value: "" },
      { name: "C", value: "" },
    ]);
  });

  const mounts: readonly [flags: readonly string[], mount: unknown][] = [
    [["-v", "/a:/b"], { destination: "/b", type: "bind", source: "/a", options: ["rbind", "rprivate"] }],
    [["-v", "./a:/b/"], { destination: "/b", type: "bind", source: "/here/now/a", options: ["rbind", "rprivate"] }],
    [["-v", ".:/b"], { destination: "/b", type: "bind", source: "/here/now", options: ["rbind", "rprivate"] }],
    [
      ["-v", "/a:/b//c/../d:ro"],
      { destination: "/b/d", type: "bind", source: "/a", options: ["rbind", "rro", "rprivate"] },
    ],
    [["-v", "/a:/b:rw,rslave"], { destination: "/b", type: "bind", source: "/a", options: ["rbind", "rslave"] }],
    [
      ["--mount", "type=bind,source=/a,target=/b"],
      { destination: "/b", type: "bind", source: "/a", options: ["rbind", "rprivate"] },
    ],
    [
      ["--mount", "type=bind,src=a,dst=/b,readonly"],
      { destination: "/b", type: "bind", source: "/here/now/a", options: ["rbind", "rro", "rprivate"] },
    ],
    [
      ["--mount", 'type=bind,"source=/a,""b""",destination=/b,ro=true,bind-recursive=disabled,bind-propagation=shared'],
      { destination: "/b", type: "bind", source: '/a,"b"', options: ["bind", "ro", "shared"] },
    ],
    [
      ["--mount", "type=bind,src=/a,dst=/b,ro,bind-recursive=writable"],
      { destination: "/b", type: "bind", source: "/a", options: ["rbind", "ro", "rprivate"] },
    ],
    [
      ["--mount", "type=bind,src=/a,dst=/b,readonly=0"],
      { destination: "/b", type: "bind", source: "/a", options: ["rbind", "rprivate"] },
    ],
    [
      ["--mount", "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770,readonly"],
      {
        destination: "/t",
        type: "tmpfs",
        source: "tmpfs",
        options: ["noexec", "nosuid", "nodev", "ro", "size=1048576", "mode=1770"],
      },
    ],
    [["--tmpfs", "/t"], { destination: "/t", type: "tmpfs", source: "tmpfs", options: ["noexec", "nosuid", "nodev"] }],
    [
      ["--tmpfs", "/t:exec,size=64k,mode=755,ro,rw"],
      {
        destination: "/t",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "nodev", "exec", "size=65536", "mode=755", "rw"],
      },
    ],
  ];
  for (const [flags, mount] of mounts) {
    test(`mount: ${flags.join(" ")}`, () => assert.deepEqual((mountOf(...flags) as { mount: unknown }).mount, mount));
  }

  test("have a missing directory made for -v, and for --mount only where it says so", () => {
    const made = (...flags: readonly string[]): boolean | undefined => options(...flags).mounts[0]?.createSource;
    assert.equal(made("-v", "/a:/b"), true);
    assert.equal(made("--mount", "type=bind,src=/a,dst=/b"), false);
    assert.equal(made("--mount", "type=bind,src=/a,dst=/b,bind-create-src"), true);
  });

  test("give devices with their numbers", () => {
    const [device, ...more] = options("--device", "/dev/zero:/dev/nought:r").devices;
    assert.deepEqual(more, []);
    assert.deepEqual(device?.rule, { allow: true, type: "c", major: 1, minor: 5, access: "r" });
    assert.equal(device?.device.path, "/dev/nought");
    assert.equal(options("--device", "/dev/zero:rw").devices[0]?.device.path, "/dev/zero");
  });

  const limits: readonly [flags: readonly string[], limits: RunOptions["limits"]][] = [
    [["-m", "512m"], { memory: { limit: 512 * 1024 ** 2 } }],
    [["-m", "1.5GiB", "--memory-swap", "2gb"], { memory: { limit: 1.5 * 1024 ** 3, swap: 2 * 1024 ** 3 } }],
    [
      ["-m", "6M", "--memory-swap=-1", "--memory-reservation", "6291456"],
      { memory: { limit: 6291456, reservation: 6291456, swap: -1 } },
    ],
    [["--cpus", "0.5"], { cpu: { period: 100_000, quota: 50_000 } }],
    [["--cpus", ".5"], { cpu: { period: 100_000, quota: 50_000 } }],
    [["--cpus", "1."], { cpu: { period: 100_000, quota: 100_000 } }],
    [["--cpus=4"], { cpu: { period: 100_000, quota: 400_000 } }],
    [["--cpu-period", "50000", "--cpu-quota", "25000"], { cpu: { period: 50_000, quota: 25_000 } }],
    [["--cpuset-cpus", "0-1,3", "--cpuset-mems", "0"], { cpu: { cpus: "0-1,3", mems: "0" } }],
    [["--pids-limit", "7"], { pids: { limit: 7 } }],
    [["--pids-limit=-1"], { pids: { limit: -1 } }],
    [["--pids-limit", "0"], { pids: { limit: -1 } }],
    [["-m", "0", "--cpus", "0", "--cpu-shares", "0"], {}],
  ];
  for (const [flags, expected] of limits) {
    test(`limit: ${flags.join(" ")}`, () => assert.deepEqual(options(...flags).limits, expected));
  }

  test("limit each process", () => {
    const given = options(
      "--ulimit",
      "nofile=1:2",
      "--ulimit",
      "core=-1",
      "--ulimit",
      "nofile=3",
      "--ulimit",
      "rttime=5:-1",
    );
    assert.deepEqual(given.rlimits, [
      { type: "RLIMIT_NOFILE", soft: 3, hard: 3 },
      { type: "RLIMIT_CORE", soft: RLIM_INFINITY, hard: RLIM_INFINITY },
      { type: "RLIMIT_RTTIME", soft: 5, hard: RLIM_INFINITY },
    ]);
  });

  test("say how it is secured", () => {
    const { security } = options(
      "--security-opt=no-new-privileges",
      "--security-opt=seccomp=unconfined",
      "--security-opt=systempaths=unconfined",
      "--security-opt=apparmor=unconfined",
      "--security-opt=label=disable",
    );
    assert.deepEqual(security, { seccomp: "unconfined", noNewPrivileges: true, systemPathsUnconfined: true });
    assert.equal(options("--security-opt", "no-new-privileges=false").security.noNewPrivileges, false);
    assert.deepEqual(options("--security-opt", "seccomp=/p.json").security.seccomp, { path: "/p.json" });
    assert.deepEqual(options("--security-opt", "seccomp:unconfined").security.seccomp, "unconfined");
    const apparmor = { ...caller, modules: { apparmor: true, selinux: false } };
    assert.equal(read(["--security-opt", "apparmor=mine", "host"], apparmor).security.apparmorProfile, "mine");
  });
});

test("volumes are asked for by name, or by a place alone", () => {
  const volumes = (...args: readonly string[]): unknown =>
    read([...args, "host"]).mounts.map(({ mount, volume }) => [
      mount.destination,
      volume,
      mount.options?.includes("rro"),
    ]);
  const named = { name: "data", copies: true };
  assert.deepEqual(volumes("-v", "data:/a/b:ro"), [["/a/b", named, true]]);
  assert.deepEqual(volumes("-v", "data:/a:nocopy", "-v", "/c"), [
    ["/a", { name: "data", copies: false }, false],
    ["/c", { name: undefined, copies: true }, false],
  ]);
  assert.deepEqual(volumes("--mount", "src=data,dst=/a"), [["/a", named, false]]);
  assert.deepEqual(volumes("--mount", "type=volume,dst=/a,volume-nocopy"), [
    ["/a", { name: undefined, copies: false }, false],
  ]);
});

test("networks are asked for by name, with wishes, and by published ports alone", () => {
  const network = (...args: readonly string[]): unknown => read([...args, "host"]).network;
  const plain = { aliases: [] };
  const port = { protocol: "tcp", hostPort: 8080, containerPort: 80, count: 1 };
  assert.deepEqual(network("-p", "8080:80"), {
    kind: "networks",
    attachments: [{ ...plain, network: "bridge" }],
    ports: [port],
  });
  assert.deepEqual(network("--network", "container:box"), { kind: "container", container: "box" });
  assert.deepEqual(network("--net", "app", "--network", "default", "--ip", "10.0.0.9", "--network-alias", "db"), {
    kind: "networks",
    attachments: [
      { network: "app", aliases: ["db"], addresses: ["10.0.0.9"] },
      { ...plain, network: "bridge" },
    ],
    ports: [],
  });
  assert.deepEqual(network("--network", "name=app,alias=db,alias=cache,ip6=fd00::9"), {
    kind: "networks",
    attachments: [{ network: "app", aliases: ["db", "cache"], addresses: ["fd00::9"] }],
    ports: [],
  });
  const wishes = "app:ip=10.0.0.9,ip6=fd00::9,mac=02:42:0a:00:00:09,alias=db";
  assert.deepEqual(network("--network", wishes, "--network", "more:alias=cache"), {
    kind: "networks",
    attachments: [
      {
        network: "app",
        aliases: ["db"],
        addresses: ["10.0.0.9", "fd00::9"],
        hardwareAddress: "02:42:0a:00:00:09",
      },
      { network: "more", aliases: ["cache"] },
    ],
    ports: [],
  });
  assert.deepEqual(network("--egress", "registry.example:443", "--egress", "10.0.0.0/8"), {
    kind: "networks",
    attachments: [{ ...plain, network: "bridge" }],
    ports: [],
    egress: { allow: [{ to: "registry.example", protocol: "tcp", ports: [443, 443] }, { to: "10.0.0.0/8" }] },
  });
});

describe("a bad command line of run", () => {
  const bad = join(scratch, "bad-env");
  writeFileSync(bad, "GOOD=1\nB AD=2\n");
  const nameless = join(scratch, "nameless-env");
  writeFileSync(nameless, "=2\n");
  const binary = join(scratch, "binary-env");
  writeFileSync(binary, Buffer.from([0xff, 0xfe]));
  const cases: readonly [args: readonly string[], message: RegExp][] = [
    [[], /^an image is required: a name, host, dir:PATH, oci:PATH\[:TAG\] or an archive$/],
    [["-it"], /an image is required/],
    [["Alpine"], /^Cannot use image name "Alpine": repository names are in lower case/],
    [["--pull=sometimes", "alpine"], /it is missing, always or never/],
    [["dir:"], /it names no directory/],
    [["oci:/x:"], /its tag is empty/],
    [["--rm", "--restart", "always", "host"], /cannot specify both --restart and --rm/],
    [["--restart", "sometimes", "host"], /it is no, always, unless-stopped or on-failure/],
    [["--restart", "on-failure:x", "host"], /it is no, always, unless-stopped or on-failure/],
    [["--stop-signal", "SIGNOPE", "host"], /there is no signal "SIGNOPE"/],
    [["--stop-signal", "65", "host"], /there is no signal "65"/],
    [["--stop-timeout", "soon", "host"], /it is a number of seconds/],
    [["--timeout", "-1", "host"], /it is a number of seconds, or 0 for no limit/],
    [["--log-driver", "syslog", "host"], /Cannot use log driver "syslog": there are file/],
    [["--log-driver", "none", "--log-opt", "max-size=1m", "host"], /log driver "none" has no options/],
    [["--log-opt", "nonsense=x", "host"], /there are max-size, max-file, labels, .*, and not "nonsense"/],
    [["--log-opt", "nonsense", "host"], /and not "nonsense"/],
    [["--log-opt", "compress=true", "host"], /files that were rotated out stay as they are/],
    [["--log-opt", "labels-regex=(", "host"], /it is no regular expression/],
    [["--log-opt", "tag={{.Name", "host"], /unclosed action/],
    [["--log-opt", "tag={{.Nope}}", "host"], /Nope/],
    [["--log-opt", "max-file=0", "host"], /max-file is a number from 1 to 1000/],
    [["--detach-keys", "ctrl-1", "host"], /there is no key "ctrl-1"/],
    [["-p", "80:80:80:80", "host"], /^invalid argument "80:80:80:80" for "-p, --publish" flag: invalid port/],
    [["--network", "host", "-p", "80", "host"], /--publish needs a network, and network is host/],
    [["--ip", "10.0.0.2", "host"], /--ip needs a network, and network is none/],
    [["--network", "none", "--network", "a1", "host"], /conflicting options: network none stands alone/],
    [["--network", "name=a1,x=y", "host"], /invalid network field "x"/],
    [["--network", "a1:name=b1", "host"], /invalid network field "name"/],
    [["--network", "host", "--egress", "none", "host"], /--egress needs a network, and network is host/],
    [["--egress", "none", "--egress", "10.0.0.1", "host"], /--egress all and --egress none stand alone/],
    [["--add-host", "db", "host"], /bad format for add-host: "db"/],
    [["--dns", "ns", "host"], /"ns" is no IP address/],
    [["--label==b", "host"], /^Cannot use label "=b": it has no key/],
    [["--network", "a", "host"], /invalid argument "a"|Cannot use name "a"/],
    [["-e", "=x", "host"], /invalid environment variable: =x/],
    [["--env-file", "/nowhere", "host"], /^Cannot read environment file "\/nowhere": no such file or directory$/],
    [["--env-file", bad, "host"], /line 2: variable 'B AD' contains whitespaces/],
    [["--env-file", nameless, "host"], /line 1: no variable name/],
    [["--env-file", binary, "host"], /it is not UTF-8/],
    [["-w", "relative", "host"], /the working directory 'relative' is invalid, it needs to be an absolute path/],
    [["--name", "-x", "host"], /Cannot use name "-x"/],
    [["-h", "a b", "host"], /invalid hostname/],
    [["-h", "a".repeat(65), "host"], /invalid hostname/],
    [["-v", "/a:/b:nocopy", "host"], /invalid mode: nocopy: nocopy is about volumes/],
    [["-v", "n:/b", "host"], /invalid argument "n:\/b"|Cannot use name "n"/],
    [["-v", "/a:b", "host"], /mount path must be absolute/],
    [["-v", "/a:/", "host"], /destination can't be '\/'/],
    [["-v", "/a:/b/..", "host"], /destination can't be '\/'/],
    [["-v", "/a:/b:ro,rw", "host"], /invalid mode: ro,rw/],
    [["-v", "/a:/b:nope", "host"], /invalid mode: nope/],
    [["-v", "/a:/b:ro:x", "host"], /invalid volume specification/],
    [["-v", ":/b", "host"], /empty section between colons/],
    [["-v", "/a:/b", "--tmpfs", "/b/", "host"], /Duplicate mount point: \/b/],
    [["--mount", "source=/a,target=/b", "host"], /Cannot use name "\/a": it needs two or more of letters/],
    [["--mount", "type=bind,source=/a", "host"], /target is required/],
    [["--mount", "type=bind,target=/a", "host"], /source is required/],
    [["--mount", "type=bind,source=/a,target=/b,nope=1", "host"], /unexpected key 'nope' for type bind/],
    [["--mount", "type=bind,source=/a,target=/b,tmpfs-size=1", "host"], /unexpected key 'tmpfs-size' for type bind/],
    [["--mount", "type=bind,source=/a,src=/c,target=/b", "host"], /it is there twice/],
    [["--mount", "type=bind,source", "host"], /must be a key=value pair/],
    [["--mount", 'type=bind,sou"rce=/a', "host"], /a quote at the wrong place/],
    [["--mount", "type=bind,source=/a,target=/b,bind-recursive=writable", "host"], /requires 'readonly'/],
    [["--mount", "type=bind,source=/a,target=/b,readonly=maybe", "host"], /invalid value for readonly: maybe/],
    [["--mount", "type=tmpfs,target=/b,tmpfs-mode=9", "host"], /invalid value for tmpfs-mode: 9/],
    [["--storage-opt", "size", "host"], /for "--storage-opt" flag: it is size=BYTES/],
    [["--storage-opt", "size=0", "host"], /a size is more than nothing/],
    [["--storage-opt", "size=much", "host"], /invalid size: 'much'/],
    [["--storage-opt", "dm.basesize=1g", "host"], /there is no option "dm.basesize", only size/],
    [["--tmpfs", "/t:nope", "host"], /invalid tmpfs option 'nope'/],
    [["--tmpfs", "/t:size=x", "host"], /invalid size: 'x'/],
    [["--device", "/nowhere", "host"], /Cannot use device "\/nowhere": no such file or directory/],
    [["--device", "/etc/passwd", "host"], /Cannot use device "\/etc\/passwd": not a device node/],
    [["--device", "/dev/null:/dev/null:rx", "host"], /invalid device specification/],
    [["--device", "/dev/null:/dev/null:rr", "host"], /invalid device specification/],
    [["-m", "lots", "host"], /^invalid argument "lots" for "-m, --memory" flag: invalid size: 'lots'/],
    [["-m", "-1", "host"], /invalid size: '-1'/],
    [["-m", "99999999t", "host"], /invalid size/],
    [["-m", "5m", "host"], /Minimum memory limit allowed is 6MB/],
    [["--memory-swap", "1g", "host"], /You should always set the Memory limit/],
    [["-m", "1g", "--memory-swap", "512m", "host"], /Minimum memoryswap limit should be larger/],
    [["-m", "8m", "--memory-reservation", "9m", "host"], /can not be less than memory reservation/],
    [["--cpus", "5", "host"], /Range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available/],
    [["--cpus", "x", "host"], /invalid argument "x" for "--cpus" flag/],
    [["--cpus", ".", "host"], /invalid argument "." for "--cpus" flag/],
    [["--cpus", "1", "--cpu-quota", "5000", "host"], /Conflicting options/],
    [["--cpu-period", "1", "host"], /CPU cfs period can not be less than 1ms/],
    [["--cpu-quota", "1", "host"], /CPU cfs quota can not be less than 1ms/],
    [["--cpu-shares", "1", "host"], /shares are from 2 to 262144/],
    [["--cpuset-cpus", "a", "host"], /it is a list such as 0-3,7/],
    [["--memory-swappiness", "101", "host"], /^Invalid value: 101, valid memory swappiness range is 0-100$/],
    [["--cpu-rt-period", "1", "--cpu-rt-runtime", "2", "host"], /^cpu real-time runtime cannot be higher than/],
    [["--cgroup-parent", "a/../b", "host"], /it is the path of a cgroup, without empty parts, \. and \.\./],
    [["--annotation", "=x", "host"], /it is KEY=VALUE$/],
    [["--pids-limit", "many", "host"], /it is a whole number/],
    [["--ulimit", "nofile", "host"], /invalid ulimit argument: nofile/],
    [["--ulimit", "nope=1", "host"], /invalid ulimit type: nope/],
    [["--ulimit", "nofile=2:1", "host"], /soft limit must be less than or equal to hard limit: 2 > 1/],
    [["--ulimit", "nofile=-2", "host"], /invalid ulimit value: -2/],
    [["--sysctl", "x", "host"], /it is NAME=VALUE/],
    [["--oom-score-adj", "1001", "host"], /range for oom score adj is \[-1000, 1000\]/],
    [["--security-opt", "nope", "host"], /^invalid --security-opt: "nope"$/],
    [["--security-opt", "seccomp=", "host"], /invalid --security-opt/],
    [["--security-opt", "apparmor=x", "host"], /Cannot use security option "apparmor=x": this kernel has no AppArmor/],
    [["--security-opt", "label=type:x", "host"], /this kernel has no SELinux/],
    [["--security-opt", "systempaths=x", "host"], /invalid --security-opt/],
  ];
  for (const [args, message] of cases) {
    test(`is refused: ${args.join(" ").replace(scratch, "")}`, () => {
      assert.throws(() => read(args), { name: "OrlopError", message });
    });
  }
});
