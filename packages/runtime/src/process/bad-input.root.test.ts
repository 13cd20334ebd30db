import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { CreateRequest, ErrorCode, Mount, OrlopError } from "@orlop/core";
import { assertNoLeakSince, snapshotKernelState } from "@orlop/testkit";
import { bounded, type ProcessBench, type SpecChanges, withBench } from "./process-bench-fixture.ts";

/** What a request that cannot be carried out is answered with. */
interface Refusal {
  readonly code: ErrorCode;
  readonly message: RegExp;
  readonly errno?: string;
  readonly field?: string | RegExp;
}

interface BadInput extends Refusal {
  /** Completes "refuses". */
  readonly title: string;
  /** Spoils the root file system or the like, and gives what differs from a good request. */
  readonly spoil: (bench: ProcessBench) => SpecChanges & { readonly request?: Partial<CreateRequest> };
  /** The request is good up to the start. */
  readonly atStart?: true;
}

function mountsOf(bench: ProcessBench, ...added: readonly Mount[]): SpecChanges {
  return { top: { mounts: [...(bench.spec([]).mounts ?? []), ...added] } };
}

/** Replaces a directory of the root file system by a link. */
function link(bench: ProcessBench, path: string, target: string): void {
  rmSync(join(bench.rootfs, path), { recursive: true, force: true });
  symlinkSync(target, join(bench.rootfs, path));
}

function file(bench: ProcessBench, path: string, content: string | Uint8Array, mode = 0o755): void {
  rmSync(join(bench.rootfs, path), { recursive: true, force: true });
  writeFileSync(join(bench.rootfs, path), content);
  chmodSync(join(bench.rootfs, path), mode);
}

const args = (...words: readonly string[]): SpecChanges => ({ process: { args: words } });

const ROOTS: readonly BadInput[] = [
  {
    title: "a root file system that does not exist",
    spoil: (bench) => ({ top: { root: { path: bench.path("nowhere") } } }),
    code: "not-found",
    message: /^Cannot use root file system ".*\/nowhere": no such file or directory/,
    errno: "ENOENT",
    field: "root.path",
  },
  {
    title: "a root file system that is a file",
    spoil(bench) {
      writeFileSync(bench.path("plain"), "");
      return { top: { root: { path: bench.path("plain") } } };
    },
    code: "invalid",
    message: /^Cannot use root file system ".*\/plain": it is a file, not a directory/,
    field: "root.path",
  },
  {
    title: "an overlay with a layer that does not exist",
    spoil: (bench) => ({
      request: { rootfs: { kind: "overlay", lower: [bench.path("nowhere"), bench.rootfs], writes: "discard" } },
    }),
    code: "not-found",
    message: /^Cannot overlay ".*nowhere.*": no such file or directory/,
    errno: "ENOENT",
    field: "root.path",
  },
  ...(["proc", "sys", "dev"] as const).flatMap((name): readonly BadInput[] => [
    {
      title: `a /${name} that leads out of the root`,
      spoil(bench) {
        link(bench, name, bench.path("outside"));
        return {};
      },
      code: "invalid",
      message: new RegExp(`^Cannot mount \\w+ at "/${name}": too many levels of symbolic links`),
      errno: "ELOOP",
      field: /^mounts\[\d\]$/,
    },
    {
      title: `a /${name} that leads elsewhere in the root`,
      spoil(bench) {
        link(bench, name, "/tmp");
        return {};
      },
      code: "invalid",
      message: new RegExp(`^Cannot mount \\w+ at "/${name}": too many levels of symbolic links`),
      errno: "ELOOP",
      field: /^mounts\[\d\]$/,
    },
    {
      title: `a /${name} that is a file`,
      spoil(bench) {
        file(bench, name, "");
        return {};
      },
      code: "invalid",
      message: new RegExp(`^Cannot mount \\w+ at "/${name}": not a directory`),
      errno: "ENOTDIR",
      field: /^mounts\[\d\]$/,
    },
  ]),
  {
    title: "a root without room for mount points",
    spoil(bench) {
      const tiny = bench.makeDirectory("tiny");
      execFileSync("mount", ["-t", "tmpfs", "-o", "nr_inodes=3", "tmpfs", tiny]);
      return { top: { root: { path: tiny } } };
    },
    code: "exhausted",
    message: /^Cannot mount \w+ at ".*": no space left on device/,
    errno: "ENOSPC",
    field: /^mounts\[\d\]$/,
  },
];

const MOUNTS: readonly BadInput[] = [
  {
    title: "a bind of what does not exist",
    spoil: (bench) => mountsOf(bench, { destination: "/mnt", source: bench.path("nowhere"), options: ["bind"] }),
    code: "not-found",
    message: /^Cannot bind ".*nowhere".*: no such file or directory/,
    errno: "ENOENT",
    field: "mounts[6].source",
  },
  {
    title: "a bind of a directory over a file",
    spoil: (bench) => mountsOf(bench, { destination: "/etc/passwd", source: "/var", options: ["bind"] }),
    code: "invalid",
    message: /^Cannot bind "\/var" to "\/etc\/passwd": not a directory/,
    errno: "ENOTDIR",
    field: /^mounts\[6\]/,
  },
  {
    title: "a bind of a file over a directory",
    spoil: (bench) => mountsOf(bench, { destination: "/etc", source: "/etc/hosts", options: ["bind"] }),
    code: "invalid",
    message: /^Cannot bind "\/etc\/hosts" to "\/etc": is a directory/,
    errno: "EISDIR",
    field: /^mounts\[6\]/,
  },
  {
    title: "a mount below a file",
    spoil: (bench) => mountsOf(bench, { destination: "/etc/passwd/below", type: "tmpfs", source: "tmpfs" }),
    code: "invalid",
    message: /^Cannot mount tmpfs at "\/etc\/passwd\/below": not a directory/,
    errno: "ENOTDIR",
    field: /^mounts\[6\]/,
  },
  {
    title: "a mount on a link that leads in a circle",
    spoil(bench) {
      link(bench, "tmp", "tmp");
      return mountsOf(bench, { destination: "/tmp", type: "tmpfs", source: "tmpfs" });
    },
    code: "invalid",
    message: /^Cannot mount tmpfs at "\/tmp": too many levels of symbolic links/,
    errno: "ELOOP",
    field: /^mounts\[6\]/,
  },
  {
    title: "a mount through a magic link of procfs",
    spoil: (bench) => mountsOf(bench, { destination: "/proc/self/root/tmp", type: "tmpfs", source: "tmpfs" }),
    code: "invalid",
    message: /^Cannot mount tmpfs at "\/proc\/self\/root\/tmp": too many levels of symbolic links/,
    errno: "ELOOP",
    field: /^mounts\[6\]/,
  },
  {
    title: "an unknown file system",
    spoil: (bench) => mountsOf(bench, { destination: "/mnt", type: "nofs", source: "none" }),
    code: "unsupported",
    message: /^Cannot mount nofs at "\/mnt": no such device/,
    errno: "ENODEV",
    field: /^mounts\[6\]/,
  },
  {
    title: "an option that the file system does not know",
    spoil: (bench) =>
      mountsOf(bench, { destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["flavour=sweet"] }),
    code: "invalid",
    message: /^Cannot mount tmpfs at "\/mnt": invalid argument/,
    errno: "EINVAL",
    field: /^mounts\[6\]/,
  },
  {
    title: "an option that a bind does not have",
    spoil: (bench) => mountsOf(bench, { destination: "/mnt", source: "/var", options: ["bind", "flavour=sweet"] }),
    code: "invalid",
    message: /^Cannot bind "\/var": a bind has no option "flavour=sweet"/,
    field: /^mounts\[6\]/,
  },
  {
    title: "a mount that names no type",
    spoil: (bench) => mountsOf(bench, { destination: "/mnt", source: "/var" }),
    code: "invalid",
    message: /^Cannot mount "\/mnt": it names no type and is no bind/,
    field: /^mounts\[6\]/,
  },
];

/** The header of an ELF file for arm64 or, on arm64, for x86-64: include/uapi/linux/elf.h. */
function foreignElf(): Uint8Array {
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(process.arch === "x64" ? 183 : 62, 18);
  header.writeUInt32LE(1, 20);
  return header;
}

function executable(
  title: string,
  code: "executable-not-found" | "executable-refused",
  message: RegExp,
  errno: string,
  spoil: BadInput["spoil"],
): BadInput {
  return { title, code, message, errno, field: "process.args[0]", spoil, atStart: true };
}

const EXECUTABLES: readonly BadInput[] = [
  executable(
    "a program that is on no path",
    "executable-not-found",
    /^Cannot execute "nothing": executable file not found/,
    "ENOENT",
    () => args("nothing"),
  ),
  executable(
    "a path to no program",
    "executable-not-found",
    /^Cannot execute "\/no\/thing": executable file not found/,
    "ENOENT",
    () => args("/no/thing"),
  ),
  executable("an empty name", "executable-not-found", /^Cannot execute "": executable file not found/, "ENOENT", () =>
    args(""),
  ),
  executable(
    "a program below a file",
    "executable-not-found",
    /^Cannot execute "\/etc\/passwd\/x": executable file not found/,
    "ENOENT",
    () => args("/etc/passwd/x"),
  ),
  executable(
    "a file that may not be executed",
    "executable-refused",
    /^Cannot execute "\/etc\/passwd": permission denied/,
    "EACCES",
    () => args("/etc/passwd"),
  ),
  executable("a directory", "executable-refused", /^Cannot execute "\/bin": permission denied/, "EACCES", () =>
    args("/bin"),
  ),
  executable(
    "a program of another processor",
    "executable-refused",
    /^Cannot execute "\/foreign": exec format error/,
    "ENOEXEC",
    (bench) => {
      file(bench, "foreign", foreignElf());
      return args("/foreign");
    },
  ),
  executable(
    "a text without an interpreter",
    "executable-refused",
    /^Cannot execute "\/text": exec format error/,
    "ENOEXEC",
    (bench) => {
      file(bench, "text", "echo hello\n");
      return args("/text");
    },
  ),
  executable(
    "a script whose interpreter is missing",
    "executable-not-found",
    /^Cannot find the interpreter of "\/script": executable file not found/,
    "ENOENT",
    (bench) => {
      file(bench, "script", "#!/no/such/interpreter\n");
      return args("/script");
    },
  ),
  executable(
    "an argument that is too long",
    "executable-refused",
    /^Cannot execute "\/bin\/true": argument list too long/,
    "E2BIG",
    () => args("/bin/true", "x".repeat(200_000)),
  ),
];

const PROCESSES: readonly BadInput[] = [
  {
    title: "an environment that no program has room for",
    spoil: () => ({ process: { env: [...Array(500).keys()].map((index) => `V${index}=${"x".repeat(10_000)}`) } }),
    code: "exhausted",
    message: /^Cannot send program: its \d+ bytes exceed the limit PROGRAM_MAX_BYTES \(\d+\)\nTry /,
  },
  {
    title: "a working directory that is a file",
    spoil: () => ({ process: { cwd: "/etc/passwd" } }),
    code: "invalid",
    message: /^Cannot (change to|make) (working )?directory "\/etc\/passwd": not a directory/,
    errno: "ENOTDIR",
    field: "process.cwd",
    atStart: true,
  },
  {
    title: "a limit above the one that it may set",
    spoil: () => ({ process: { rlimits: [{ type: "RLIMIT_NOFILE", hard: 1n << 40n, soft: 1n << 40n }] } }),
    code: "denied",
    message: /^Cannot set RLIMIT_NOFILE to \d+:\d+: operation not permitted/,
    errno: "EPERM",
    field: "process.rlimits[0]",
  },
  {
    title: "a sysctl whose value the kernel does not take",
    spoil: () => ({ linux: { sysctl: { "net.ipv4.ip_forward": "perhaps" } } }),
    code: "invalid",
    message: /^Cannot set sysctl "net\.ipv4\.ip_forward" to "perhaps": invalid argument/,
    errno: "EINVAL",
    field: "linux.sysctl.net.ipv4.ip_forward",
  },
  {
    title: "a sysctl that does not exist",
    spoil: () => ({ linux: { sysctl: { "net.ipv4.no_such_thing": "1" } } }),
    code: "not-found",
    message: /^Cannot set sysctl "net\.ipv4\.no_such_thing" to "1": no such file or directory/,
    errno: "ENOENT",
    field: "linux.sysctl.net.ipv4.no_such_thing",
  },
  {
    title: "a host name that is too long",
    spoil: () => ({ top: { hostname: "x".repeat(65) } }),
    code: "invalid",
    message: /^Cannot set hostname "x+": invalid argument/,
    errno: "EINVAL",
    field: "hostname",
  },
  {
    title: "an AppArmor profile without AppArmor",
    spoil: () => ({ process: { apparmorProfile: "strict" } }),
    code: "unsupported",
    message: /^Cannot set AppArmor profile "strict": this kernel runs without AppArmor/,
    field: "process.apparmorProfile",
  },
];

function namespaces(bench: ProcessBench, type: "network" | "user" | "ipc", path: string): SpecChanges {
  const others = (bench.spec([]).linux?.namespaces ?? []).filter((namespace) => namespace.type !== type);
  return { linux: { namespaces: [...others, { type, path }] } };
}

const NAMESPACES: readonly BadInput[] = [
  {
    title: "a namespace that does not exist",
    spoil: (bench) => namespaces(bench, "network", bench.path("nowhere")),
    code: "not-found",
    message: /^Cannot enter network namespace ".*nowhere": no such file or directory/,
    errno: "ENOENT",
    field: "linux.namespaces",
  },
  {
    title: "a namespace of another kind",
    spoil: (bench) => namespaces(bench, "network", "/proc/self/ns/ipc"),
    code: "invalid",
    message: /^Cannot enter network namespace "\/proc\/self\/ns\/ipc": invalid argument/,
    errno: "EINVAL",
    field: "linux.namespaces",
  },
  {
    title: "a namespace that is a file",
    spoil: (bench) => namespaces(bench, "ipc", "/etc/hosts"),
    code: "invalid",
    message: /^Cannot enter ipc namespace "\/etc\/hosts": invalid argument/,
    errno: "EINVAL",
    field: "linux.namespaces",
  },
  {
    title: "the host's mount namespace",
    spoil: (bench) => ({
      linux: { namespaces: (bench.spec([]).linux?.namespaces ?? []).filter(({ type }) => type !== "mount") },
    }),
    code: "unsupported",
    message: /^Cannot create container ".*": without a mount namespace its mounts would show outside/,
    field: "linux.namespaces",
  },
  {
    title: "id maps that overlap",
    spoil(bench) {
      const ids = [0, 5].map((containerID) => ({ containerID, hostID: 100_000 + containerID, size: 10 }));
      const user = [...(bench.spec([]).linux?.namespaces ?? []), { type: "user" } as const];
      return { linux: { namespaces: user, uidMappings: ids, gidMappings: ids } };
    },
    code: "invalid",
    message: /^Cannot map user and group ids: invalid argument/,
    errno: "EINVAL",
    field: "linux.uidMappings",
  },
];

const CGROUPS: readonly BadInput[] = [
  {
    title: "a cgroup above the hierarchy",
    spoil: () => ({ linux: { cgroupsPath: "/../../etc" } }),
    code: "invalid",
    message: /^Cannot use linux\.cgroupsPath "\/\.\.\/\.\.\/etc": it contains "\.\."/,
    field: "linux.cgroupsPath",
  },
  {
    title: "a cgroup below one of the kernel's files",
    spoil: (bench) => ({ linux: { cgroupsPath: `/cgroup.procs/${bench.mark}` } }),
    code: "invalid",
    message: /^Cannot make cgroup ".*\/cgroup\.procs(\/.*)?": not a directory/,
    errno: "ENOTDIR",
    field: "linux.cgroupsPath",
  },
  {
    title: "a time slice that is too short",
    spoil: () => ({ linux: { resources: { cpu: { period: 100_000n, quota: 1n } } } }),
    code: "invalid",
    message: /^Cannot write "1" to ".*cpu\.cfs_quota_us": invalid argument/,
    errno: "EINVAL",
    field: "linux.resources.cpu.quota",
  },
  {
    title: "a processor that does not exist",
    spoil: () => ({ linux: { resources: { cpu: { cpus: "1000" } } } }),
    code: "invalid",
    message: /^Cannot write "1000" to ".*cpuset\.cpus"/,
    errno: "ERANGE",
    field: "linux.resources.cpu.cpus",
  },
  {
    title: "huge pages of a size that does not exist",
    spoil: () => ({ linux: { resources: { hugepageLimits: [{ pageSize: "3MB", limit: 1n }] } } }),
    code: "not-found",
    message: /^Cannot .*3MB/,
    errno: "ENOENT",
    field: /^linux\.resources\.hugepageLimits\[0\]/,
  },
];

function assertRefused(error: OrlopError, { code, message, errno, field }: Refusal): void {
  assert.match(error.message, message);
  assert.deepEqual([error.name, error.code, error.errno], ["OrlopError", code, errno], error.message);
  if (field instanceof RegExp) assert.match(error.field ?? "none", field, error.message);
  else assert.equal(error.field, field, error.message);
  const [, ...more] = error.message.split("\n");
  assert.ok(more.length <= 1 && more.every((line) => line.startsWith("Try ")), error.message);
}

async function tryBadInput(bench: ProcessBench, input: BadInput): Promise<void> {
  const outside = bench.makeDirectory("outside");
  const request = bench.request("true", input.spoil(bench));
  const before = snapshotKernelState(bench.scope);
  const attempt = async (): Promise<void> => {
    await bench.runtime.create(request);
    if (input.atStart === true) await bench.runtime.start(request.id);
  };
  const error = await bounded("the refusal", attempt()).then(
    () => assert.fail("it was not refused"),
    (reason: OrlopError) => reason,
  );
  assertRefused(error, input);
  await assertNoLeakSince(before);
  assert.deepEqual(await bench.runtime.list(), []);
  assert.deepEqual(readdirSync(outside), []);
}

for (const [name, inputs] of Object.entries({
  "a hostile root file system": ROOTS,
  mounts: MOUNTS,
  "what cannot be executed": EXECUTABLES,
  processes: PROCESSES,
  namespaces: NAMESPACES,
  cgroups: CGROUPS,
})) {
  suite(`bad input: ${name}`, () => {
    for (const input of inputs) {
      test(`refuses ${input.title}`, (t) =>
        withBench(t, async (bench) => {
          try {
            await tryBadInput(bench, input);
          } finally {
            execFileSync("sh", ["-c", 'umount "$1" 2>/dev/null || true', "sh", bench.path("tiny")]);
          }
        }));
    }
  });
}

suite("a root file system that only looks hostile", () => {
  test("has its links followed inside, and nothing outside is touched", (t) =>
    withBench(t, async (bench) => {
      const outside = bench.makeDirectory("outside");
      mkdirSync(join(bench.rootfs, "inner"));
      link(bench, "var", `${"../".repeat(20)}inner`);
      link(bench, "home", outside);
      mkdirSync(join(bench.rootfs, outside), { recursive: true });
      link(bench, "srv", "/inner");
      const changes = mountsOf(
        bench,
        { destination: "/srv/one", source: "/etc", options: ["bind", "ro"] },
        { destination: "/var/two", type: "tmpfs", source: "tmpfs" },
        { destination: "/home/three", source: "/etc/hosts", options: ["bind"] },
        { destination: "/../../four", type: "tmpfs", source: "tmpfs" },
      );
      const { output, exitCode } = await bench.run(
        "cut -d ' ' -f 5 /proc/self/mountinfo | grep -E '^/(inner|four|tmp)'",
        changes,
      );
      assert.equal(exitCode, 0);
      assert.deepEqual(output.split("\n"), ["/inner/one", "/inner/two", `${outside}/three`, "/four", ""]);
      assert.deepEqual(readdirSync(outside), []);
      assert.deepEqual(readdirSync(join(bench.rootfs, "inner")).sort(), ["one", "two"]);
    }));
});
