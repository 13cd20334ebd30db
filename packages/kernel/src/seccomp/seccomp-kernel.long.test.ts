import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { release } from "node:os";
import { describe, it, type TestContext } from "node:test";
import type { LinuxSeccomp } from "@orlop/core";
import { hostArchitecture } from "../abi/architecture.ts";
import { errnoName } from "../abi/errno.ts";
import { nativeSeccompArch } from "../abi/syscall-numbers/seccomp-architecture.ts";
import { syscallNumber } from "../abi/syscall-numbers/syscall-numbers.ts";
import { compileSeccomp, type SeccompProgram } from "./compile-seccomp.ts";
import { defaultSeccompProfile } from "./default-seccomp-profile.ts";

const nativeArch = nativeSeccompArch(hostArchitecture());

/** Loads a filter into a process of its own, makes calls there, and tells the errno of each; 0 when it went well. */
const loader = `
import ctypes, json, sys
libc = ctypes.CDLL(None, use_errno=True)
request = json.load(sys.stdin)
code = bytes.fromhex(request["filter"])
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
program = Program(len(code) // 8, code)
if libc.prctl(38, 1, 0, 0, 0) != 0: sys.exit("prctl")
loaded = libc.syscall(request["seccomp"], 1, request["flags"], ctypes.byref(program))
result = {"loaded": loaded if loaded >= 0 else -ctypes.get_errno(), "errnos": []}
for number, *args in request["calls"]:
    ctypes.set_errno(0)
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_ulong(arg) for arg in args])
    result["errnos"].append(ctypes.get_errno() if answer == -1 else 0)
print(json.dumps(result))
`;

type Call = readonly [name: string | number, ...args: readonly number[]];

interface LoaderResult {
  /** What seccomp(2) returned, or the negative errno. */
  readonly loaded: number;
  readonly errnos: readonly string[];
  readonly signal: NodeJS.Signals | null;
}

function load(t: TestContext, program: SeccompProgram, calls: readonly Call[] = []): LoaderResult | undefined {
  const request = {
    filter: Buffer.from(program.filter).toString("hex"),
    flags: program.flags,
    seccomp: syscallNumber(nativeArch, "seccomp"),
    calls: calls.map(([name, ...args]) => [typeof name === "number" ? name : syscallNumber(nativeArch, name), ...args]),
  };
  const options = { input: JSON.stringify(request), encoding: "utf8", timeout: 20_000 } as const;
  const { status, stdout, stderr, signal, error } = spawnSync("python3", ["-c", loader], options);
  if (error !== undefined && "code" in error && error.code === "ENOENT") {
    t.skip("python3 is not here");
    return undefined;
  }
  if (signal !== null) return { loaded: 0, errnos: [], signal };
  assert.equal(status, 0, stderr);
  const { loaded, errnos } = JSON.parse(stdout) as { readonly loaded: number; readonly errnos: readonly number[] };
  return { loaded, errnos: errnos.map((errno) => (errno === 0 ? "" : errnoName(errno))), signal };
}

function compile(seccomp: LinuxSeccomp): SeccompProgram {
  return compileSeccomp(seccomp, { nativeArch });
}

const newUser = 0x1000_0000;

describe("the kernel", () => {
  it("takes the default profile and does as it says", (t) => {
    const target = { arch: nativeArch, capabilities: [], kernelVersion: release() };
    const calls: readonly (readonly [Call, string])[] = [
      [["getpid"], ""],
      [["write", -1, 0, 0], "EBADF"],
      [["socket", 1, 1, 0], ""],
      [["socket", 40, 1, 0], "EPERM"],
      [["personality", 0xffff_ffff], ""],
      [["personality", 0x4_0000], "EPERM"],
      [["unshare", newUser], "EPERM"],
      [["clone", newUser, 0, 0, 0, 0], "EPERM"],
      [["clone3", 0, 0], "ENOSYS"],
      [["mount", 0, 0, 0, 0, 0], "EPERM"],
      [["io_uring_setup", 1, 0], "EPERM"],
      [["chroot", 0], "EPERM"],
      [[467], "ENOSYS"],
      [[1000], "ENOSYS"],
    ];
    const result = load(
      t,
      compile(defaultSeccompProfile(target)),
      calls.map(([call]) => call),
    );
    if (result === undefined) return;
    assert.equal(result.loaded, 0);
    for (const [index, [call, errno]] of calls.entries()) assert.equal(result.errnos[index], errno, String(call[0]));
  });

  it("opens with a capability what the profile opens with it", (t) => {
    const target = { arch: nativeArch, capabilities: ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"], kernelVersion: release() };
    const result = load(t, compile(defaultSeccompProfile(target)), [
      ["clone3", 0, 0],
      ["chroot", 0],
      ["reboot", 0, 0, 0, 0],
    ]);
    // No longer answered by the filter: the kernel refuses the size and the address.
    if (result !== undefined) assert.deepEqual(result.errnos, ["EINVAL", "EFAULT", "EPERM"]);
  });

  it("compares arguments as 64 bits", (t) => {
    const rule = (op: "SCMP_CMP_GT" | "SCMP_CMP_MASKED_EQ", errnoRet: number, value: number, valueTwo = 0) =>
      ({ names: ["lseek"], action: "SCMP_ACT_ERRNO", errnoRet, args: [{ index: 1, op, value, valueTwo }] }) as const;
    const seccomp: LinuxSeccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [
        rule("SCMP_CMP_GT", 100, 0x5_0000_0000),
        rule("SCMP_CMP_MASKED_EQ", 101, 0x1_0000_0001, 0x1_0000_0001),
      ],
    };
    const result = load(t, compile(seccomp), [
      ["lseek", -1, 0x5_0000_0002, 0],
      ["lseek", -1, 0x4_ffff_fffe, 0],
      ["lseek", -1, 0x3_0000_0003, 0],
      ["lseek", -1, 3, 0],
    ]);
    if (result !== undefined) assert.deepEqual(result.errnos, ["ENETDOWN", "EBADF", "ENETUNREACH", "EBADF"]);
  });

  it("kills by signal what the profile kills", (t) => {
    const seccomp: LinuxSeccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["getppid"], action: "SCMP_ACT_KILL_PROCESS" }],
    };
    const result = load(t, compile(seccomp), [["getppid"]]);
    if (result !== undefined) assert.equal(result.signal, "SIGSYS");
  });

  it("takes every flag, and returns a descriptor for a listener", (t) => {
    const base: LinuxSeccomp = { defaultAction: "SCMP_ACT_ALLOW" };
    const notify: LinuxSeccomp = {
      ...base,
      listenerPath: "/run/listener.sock",
      syscalls: [{ names: ["mkdirat"], action: "SCMP_ACT_NOTIFY" }],
    };
    const all = ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"] as const;
    const waits = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";
    for (const flags of [[], all, [waits]] as const) {
      const result = load(t, compile({ ...base, flags }));
      if (result === undefined) return;
      assert.equal(result.loaded, 0, flags.join());
    }
    for (const flags of [[], all] as const) {
      const result = load(t, compile({ ...notify, flags }));
      if (result !== undefined) assert.ok(result.loaded > 2, `${flags.join()}: ${result.loaded}`);
    }
    // Linux 5.19.
    const [major = 0, minor = 0] = release().split(".").map(Number);
    if (major < 5 || (major === 5 && minor < 19)) return;
    const waiting = load(t, compile({ ...notify, flags: [waits] }));
    if (waiting !== undefined) assert.ok(waiting.loaded > 2, `${waiting.loaded}`);
  });

  it("takes a filter of nearly the largest size", (t) => {
    const syscalls = Array.from({ length: 500 }, (_, value) => ({
      names: ["ioctl"],
      action: "SCMP_ACT_ERRNO" as const,
      errnoRet: 100,
      args: [0, 1].map((index) => ({ index, value, op: "SCMP_CMP_EQ" as const })),
    }));
    const program = compile({ defaultAction: "SCMP_ACT_ALLOW", syscalls });
    assert.ok(program.instructionCount > 3500);
    const result = load(t, program, [
      ["ioctl", 499, 499],
      ["ioctl", 499, 498],
    ]);
    if (result !== undefined) assert.deepEqual(result.errnos, ["ENETDOWN", "EBADF"]);
  });
});
