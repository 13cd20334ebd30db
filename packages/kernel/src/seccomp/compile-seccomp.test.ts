import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type LinuxSeccomp,
  type LinuxSeccompArch,
  type LinuxSeccompFlag,
  type LinuxSeccompOperator,
  type LinuxSyscall,
  OrlopError,
  type Uint64,
} from "@orlop/core";
import { CONSTANTS } from "../abi/constants.ts";
import { seccompArchitecture } from "../abi/syscall-numbers/seccomp-architecture.ts";
import { syscallNames, syscallNumber } from "../abi/syscall-numbers/syscall-numbers.ts";
import { BPF_CODES, BPF_INSTRUCTIONS_MAX, decodeBpf } from "./bpf-instruction.ts";
import { runSeccompBpf } from "./bpf-interpreter.ts";
import { compileSeccomp, type SeccompProgram } from "./compile-seccomp.ts";
import { defaultSeccompProfile } from "./default-seccomp-profile.ts";
import { disassembleSeccompBpf, seccompReturnText } from "./disassemble-bpf.ts";

const nativeArch = "SCMP_ARCH_X86_64";

function compile(seccomp: LinuxSeccomp): SeccompProgram {
  return compileSeccomp(seccomp, { nativeArch });
}

/** What a call gets, in words. A number stands for a call that has no name. */
function verdict(
  seccomp: LinuxSeccomp,
  call: string | number,
  args: readonly Uint64[] = [],
  arch: LinuxSeccompArch = nativeArch,
  native: LinuxSeccompArch = nativeArch,
): string {
  const architecture = seccompArchitecture(arch);
  const nr = typeof call === "number" ? call : syscallNumber(arch, call);
  assert.ok(architecture !== undefined && nr !== undefined, `${call} of ${arch}`);
  const { littleEndian, auditArch } = architecture;
  const instructions = decodeBpf(compileSeccomp(seccomp, { nativeArch: native }).filter, littleEndian);
  return seccompReturnText(runSeccompBpf(instructions, { nr, arch: auditArch, args }, littleEndian).verdict);
}

function fails(seccomp: LinuxSeccomp, code: string, message: RegExp, field?: string): void {
  assert.throws(
    () => compile(seccomp),
    (error) => {
      assert.ok(error instanceof OrlopError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      if (field !== undefined) assert.equal(error.field, field);
      return true;
    },
  );
}

const enosys = "ERRNO(ENOSYS)";
const eperm = "ERRNO(EPERM)";

/** A filter that refuses everything but the given calls. */
function allowing(names: readonly string[], architectures: readonly LinuxSeccompArch[] = []): LinuxSeccomp {
  return { defaultAction: "SCMP_ACT_ERRNO", architectures, syscalls: [{ names, action: "SCMP_ACT_ALLOW" }] };
}

function ruleFor(name: string, action: LinuxSyscall["action"], ...args: readonly Comparison[]): LinuxSyscall {
  return {
    names: [name],
    action,
    args: args.map(([index, op, value, valueTwo = 0]) => ({ index, op, value, valueTwo })),
  };
}

type Comparison = readonly [index: number, op: LinuxSeccompOperator, value: Uint64, valueTwo?: Uint64];

describe("a compiled filter", () => {
  it("is a search for the architecture, the number and the arguments", () => {
    const program = compile({
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 13,
      syscalls: [
        { names: ["read", "write", "open", "close"], action: "SCMP_ACT_ALLOW" },
        ruleFor("socket", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_NE", 40]),
        ruleFor("mmap", "SCMP_ACT_KILL_PROCESS", [2, "SCMP_CMP_MASKED_EQ", 4, 4]),
      ],
    });
    assert.deepEqual(disassembleSeccompBpf(program.filter), [
      "   0  ld arch",
      "   1  jeq 0xc000003e ? 2 : 20             ; X86_64, X32",
      "   2  ld nr",
      "   3  jge 0x2a ? 4 : 7",
      "   4  jge 0x40000000 ? 5 : 6",
      "   5  jge 0xffffffff ? 18 : 20",
      "   6  ret ERRNO(ENOSYS)",
      "   7  jge 0x4 ? 8 : 19",
      "   8  jge 0x29 ? 9 : 13",
      "   9  ld args[0].high",
      "  10  jeq 0x0 ? 11 : 19",
      "  11  ld args[0].low",
      "  12  jeq 0x28 ? 18 : 19",
      "  13  jeq 0x9 ? 14 : 18",
      "  14  ld args[2].low",
      "  15  and 0x4",
      "  16  jeq 0x4 ? 17 : 18",
      "  17  ret KILL_PROCESS",
      "  18  ret ERRNO(EACCES)",
      "  19  ret ALLOW",
      "  20  ret KILL_THREAD",
    ]);
    assert.equal(program.instructionCount, 21);
  });

  it("is short and shallow for the default profile", () => {
    const target = { arch: nativeArch, capabilities: [], kernelVersion: "6.18" } as const;
    const seccomp = defaultSeccompProfile(target);
    const instructions = decodeBpf(compile(seccomp).filter, true);
    assert.ok(instructions.length < 250, `${instructions.length} instructions`);
    const auditArch = seccompArchitecture(nativeArch)?.auditArch ?? 0;
    const steps = syscallNames().map((name) => {
      return runSeccompBpf(instructions, { nr: syscallNumber(nativeArch, name) ?? 0, arch: auditArch }, true).steps;
    });
    assert.ok(Math.max(...steps) <= 20, `${Math.max(...steps)} steps`);
  });

  it("is in the byte order of the machine", () => {
    const { filter } = compileSeccomp(allowing(["read"]), { nativeArch: "SCMP_ARCH_S390X" });
    assert.equal(Buffer.from(filter.subarray(0, 8)).toString("hex"), "0020000000000004");
    const s390x = (args: readonly Uint64[]): string => {
      const seccomp = {
        ...allowing([]),
        syscalls: [ruleFor("ioctl", "SCMP_ACT_ALLOW", [1, "SCMP_CMP_EQ", 0x1_0000_0002])],
      };
      return verdict(seccomp, "ioctl", args, "SCMP_ARCH_S390X", "SCMP_ARCH_S390X");
    };
    assert.equal(s390x([0, 0x1_0000_0002]), "ALLOW");
    assert.equal(s390x([0, 0x2_0000_0001]), eperm);
  });

  it("has every action of the spec", () => {
    const seccomp: LinuxSeccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      listenerPath: "/run/listener.sock",
      syscalls: [
        ruleFor("getpid", "SCMP_ACT_KILL"),
        ruleFor("getppid", "SCMP_ACT_KILL_THREAD"),
        ruleFor("getuid", "SCMP_ACT_KILL_PROCESS"),
        ruleFor("getgid", "SCMP_ACT_TRAP"),
        ruleFor("geteuid", "SCMP_ACT_ERRNO"),
        { ...ruleFor("getegid", "SCMP_ACT_ERRNO"), errnoRet: 0 },
        ruleFor("getsid", "SCMP_ACT_TRACE"),
        { ...ruleFor("getpgid", "SCMP_ACT_TRACE"), errnoRet: 0x1234 },
        ruleFor("umask", "SCMP_ACT_LOG"),
        ruleFor("mkdir", "SCMP_ACT_NOTIFY"),
      ],
    };
    const expected = {
      getpid: "KILL_THREAD",
      getppid: "KILL_THREAD",
      getuid: "KILL_PROCESS",
      getgid: "TRAP",
      geteuid: eperm,
      getegid: "ERRNO(errno 0)",
      getsid: "TRACE(1)",
      getpgid: "TRACE(4660)",
      umask: "LOG",
      mkdir: "USER_NOTIF",
      rmdir: "ALLOW",
    };
    for (const [call, text] of Object.entries(expected)) assert.equal(verdict(seccomp, call), text, call);
  });
});

describe("arguments", () => {
  const rows: readonly (readonly [Comparison, holds: readonly Uint64[], fails: readonly Uint64[]])[] = [
    [[0, "SCMP_CMP_EQ", 0x1_0000_0005], [0x1_0000_0005], [5, 0x1_0000_0004, 0x2_0000_0005]],
    [[0, "SCMP_CMP_NE", 0x1_0000_0005], [5, 0x1_0000_0004], [0x1_0000_0005]],
    [
      [0, "SCMP_CMP_LT", 0x1_0000_0005],
      [0x1_0000_0004, 0xffff_ffff, 0],
      [0x1_0000_0005, 0x2_0000_0000],
    ],
    [
      [0, "SCMP_CMP_LE", 0x1_0000_0005],
      [0x1_0000_0005, 0xffff_ffff, 0],
      [0x1_0000_0006, 0x2_0000_0000],
    ],
    [
      [0, "SCMP_CMP_GE", 0x1_0000_0005],
      [0x1_0000_0005, 0x2_0000_0000],
      [0x1_0000_0004, 0xffff_ffff],
    ],
    [
      [0, "SCMP_CMP_GT", 0x1_0000_0005],
      [0x1_0000_0006, 0x2_0000_0000],
      [0x1_0000_0005, 0xffff_ffff],
    ],
    [[0, "SCMP_CMP_EQ", 2n ** 64n - 1n], [2n ** 64n - 1n], [2n ** 64n - 2n, 0xffff_ffff]],
    [
      [0, "SCMP_CMP_MASKED_EQ", 0xf_0000_000f, 0x3_0000_0001],
      [0xf3_0000_00f1n, 0x3_0000_0001],
      [0x3_0000_0000, 1],
    ],
    [
      [0, "SCMP_CMP_MASKED_EQ", 0xf, 0x31],
      [0x1, 0xffff_fff1, 0x1_0000_0001],
      [0x31 + 1, 0],
    ],
    [[0, "SCMP_CMP_MASKED_EQ", 0, 7], [0, 7, 2n ** 64n - 1n], []],
  ];
  for (const [comparison, holds, not] of rows) {
    it(`are compared as 64 bits: ${comparison.slice(1).join(" ")}`, () => {
      const seccomp = { ...allowing([]), syscalls: [ruleFor("ioctl", "SCMP_ACT_ALLOW", comparison)] };
      for (const value of holds) assert.equal(verdict(seccomp, "ioctl", [value]), "ALLOW", `${value}`);
      for (const value of not) assert.equal(verdict(seccomp, "ioctl", [value]), eperm, `${value}`);
    });
  }

  it("are compared as 32 bits where they have 32 bits, value and mask too", () => {
    const architectures = ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] as const;
    const on = (comparison: Comparison, arch: LinuxSeccompArch, value: Uint64): string => {
      const syscalls = [ruleFor("ioctl", "SCMP_ACT_ALLOW", comparison)];
      return verdict({ defaultAction: "SCMP_ACT_ERRNO", architectures, syscalls }, "ioctl", [value], arch);
    };
    for (const arch of architectures) {
      assert.equal(on([0, "SCMP_CMP_EQ", 0x1_0000_0005], arch, 5), "ALLOW");
      assert.equal(on([0, "SCMP_CMP_EQ", 5], arch, 0x7_0000_0005), "ALLOW");
      assert.equal(on([0, "SCMP_CMP_GT", 0xffff_ffff], arch, 2n ** 64n - 1n), eperm);
      assert.equal(on([0, "SCMP_CMP_MASKED_EQ", 0xf_0000_0000, 1], arch, 9), "ALLOW");
    }
  });

  it("must all hold, unless one is compared twice: then each comparison is a rule", () => {
    const all = {
      ...allowing([]),
      syscalls: [ruleFor("ioctl", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_EQ", 1], [2, "SCMP_CMP_EQ", 3])],
    };
    assert.equal(verdict(all, "ioctl", [1, 0, 3]), "ALLOW");
    assert.equal(verdict(all, "ioctl", [1, 0, 4]), eperm);
    assert.equal(verdict(all, "ioctl", [2, 0, 3]), eperm);
    const either: LinuxSeccomp = {
      ...allowing([]),
      syscalls: [
        ruleFor("ioctl", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_EQ", 1], [2, "SCMP_CMP_EQ", 3], [0, "SCMP_CMP_EQ", 5]),
      ],
    };
    for (const args of [
      [1, 0, 0],
      [5, 0, 0],
      [0, 0, 3],
    ])
      assert.equal(verdict(either, "ioctl", args), "ALLOW");
    assert.equal(verdict(either, "ioctl", [0, 0, 0]), eperm);
  });

  it("of several rules are searched together", () => {
    const values = [0, 3, 8, 9, 0x2_0000, 0xffff_ffff];
    const syscalls = values.map((value) => ruleFor("personality", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_EQ", value]));
    const seccomp = { ...allowing([]), syscalls };
    for (const value of values) assert.equal(verdict(seccomp, "personality", [value]), "ALLOW");
    for (const value of [1, 2, 4, 7, 10, 0xffff_fffe, 0x1_0000_0003])
      assert.equal(verdict(seccomp, "personality", [value]), eperm);
    // One load for the low half and one for the high half, however many values there are.
    const loads = decodeBpf(compile(seccomp).filter, true).filter(({ code }) => code === BPF_CODES.LD_W_ABS);
    assert.equal(loads.length, 4);
  });
});

describe("several rules for one call", () => {
  const ioctl = (...syscalls: readonly LinuxSyscall[]) => {
    return (...args: readonly Uint64[]): string => verdict({ ...allowing([]), syscalls }, "ioctl", args);
  };

  it("follow the first without conditions, wherever it stands", () => {
    const conditional = ruleFor("ioctl", "SCMP_ACT_TRAP", [0, "SCMP_CMP_EQ", 1]);
    const [allow, log] = [ruleFor("ioctl", "SCMP_ACT_ALLOW"), ruleFor("ioctl", "SCMP_ACT_LOG")];
    assert.equal(ioctl(allow, log, conditional)(1), "ALLOW");
    assert.equal(ioctl(conditional, log, allow)(1), "LOG");
    assert.equal(ioctl(conditional, log, allow)(2), "LOG");
  });

  it("take a mask that keeps nothing for no condition", () => {
    const always = ruleFor("ioctl", "SCMP_ACT_LOG", [0, "SCMP_CMP_MASKED_EQ", 0, 5]);
    assert.equal(ioctl(ruleFor("ioctl", "SCMP_ACT_TRAP", [0, "SCMP_CMP_EQ", 1]), always)(1), "LOG");
  });

  it("ignore one that gives the default action", () => {
    assert.equal(ioctl(ruleFor("ioctl", "SCMP_ACT_ERRNO"), ruleFor("ioctl", "SCMP_ACT_ALLOW"))(), "ALLOW");
    const other = { ...ruleFor("ioctl", "SCMP_ACT_ERRNO"), errnoRet: 2 };
    assert.equal(ioctl(other, ruleFor("ioctl", "SCMP_ACT_ALLOW"))(), "ERRNO(ENOENT)");
  });

  it("ask equality before order, later arguments before earlier ones, and the narrower of two ranges first", () => {
    const order = ioctl(
      ruleFor("ioctl", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_GE", 5]),
      ruleFor("ioctl", "SCMP_ACT_LOG", [0, "SCMP_CMP_GE", 10]),
      ruleFor("ioctl", "SCMP_ACT_TRAP", [0, "SCMP_CMP_EQ", 12]),
      ruleFor("ioctl", "SCMP_ACT_KILL", [1, "SCMP_CMP_EQ", 1]),
    );
    assert.equal(order(5), "ALLOW");
    assert.equal(order(11), "LOG");
    assert.equal(order(12), "TRAP");
    assert.equal(order(12, 1), "KILL_THREAD");
    assert.equal(order(4), eperm);
    const below = ioctl(
      ruleFor("ioctl", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_LT", 10]),
      ruleFor("ioctl", "SCMP_ACT_LOG", [0, "SCMP_CMP_LT", 5]),
    );
    assert.equal(below(4), "LOG");
    assert.equal(below(5), "ALLOW");
  });

  it("decide as podman means its rules for sockets", () => {
    const einval = { errnoRet: 22 };
    const socket = (...args: readonly Uint64[]): string =>
      verdict(
        {
          defaultAction: "SCMP_ACT_ERRNO",
          defaultErrnoRet: 38,
          syscalls: [
            { ...ruleFor("socket", "SCMP_ACT_ERRNO", [0, "SCMP_CMP_EQ", 40]), errnoRet: 1 },
            { ...ruleFor("socket", "SCMP_ACT_ERRNO", [0, "SCMP_CMP_EQ", 16], [2, "SCMP_CMP_EQ", 9]), ...einval },
            ruleFor("socket", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_EQ", 16], [2, "SCMP_CMP_NE", 9]),
            ruleFor("socket", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_NE", 16]),
          ],
        },
        "socket",
        args,
      );
    assert.equal(socket(40, 1, 0), eperm);
    assert.equal(socket(16, 3, 9), "ERRNO(EINVAL)");
    assert.equal(socket(16, 3, 0), "ALLOW");
    assert.equal(socket(2, 1, 9), "ALLOW");
  });

  it("drop one that only narrows an earlier one", () => {
    const dropped = ioctl(
      ruleFor("ioctl", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_EQ", 1]),
      ruleFor("ioctl", "SCMP_ACT_TRAP", [0, "SCMP_CMP_EQ", 1], [1, "SCMP_CMP_EQ", 2]),
    );
    assert.equal(dropped(1, 2), "ALLOW");
    const widened = ioctl(
      ruleFor("ioctl", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_EQ", 1], [1, "SCMP_CMP_EQ", 2]),
      ruleFor("ioctl", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_EQ", 1]),
    );
    assert.equal(widened(1, 3), "ALLOW");
  });

  it("are refused when they contradict each other", () => {
    const narrow = ruleFor("ioctl", "SCMP_ACT_TRAP", [0, "SCMP_CMP_EQ", 1], [1, "SCMP_CMP_EQ", 2]);
    const wide = ruleFor("ioctl", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_EQ", 1]);
    const field = "linux.seccomp.syscalls[1]";
    fails({ ...allowing([]), syscalls: [narrow, wide] }, "invalid", /rule for "ioctl": an earlier rule/, field);
    const other = ruleFor("ioctl", "SCMP_ACT_LOG", [0, "SCMP_CMP_EQ", 1]);
    fails({ ...allowing([]), syscalls: [wide, other] }, "invalid", /another action/, field);
    compile({ ...allowing([]), syscalls: [wide, wide] });
  });
});

describe("architectures", () => {
  it("that are neither native nor listed kill the thread", () => {
    const seccomp = allowing(["read"], ["SCMP_ARCH_X86"]);
    assert.equal(verdict(seccomp, "read"), "ALLOW");
    assert.equal(verdict(seccomp, "read", [], "SCMP_ARCH_X86"), "ALLOW");
    assert.equal(verdict(seccomp, "read", [], "SCMP_ARCH_AARCH64"), "KILL_THREAD");
    assert.equal(verdict(seccomp, "read", [], "SCMP_ARCH_X32"), "KILL_THREAD");
    const x32 = allowing(["read"], ["SCMP_ARCH_X32"]);
    assert.equal(verdict(x32, "read", [], "SCMP_ARCH_X32"), "ALLOW");
    assert.equal(verdict(x32, "read"), "ALLOW");
  });

  it("leave a tracer its way to skip a call, which is no x32 call", () => {
    assert.equal(verdict(allowing(["read"]), 0xffff_ffff), eperm);
    assert.equal(verdict(allowing(["read"]), 0xffff_fffe), "KILL_THREAD");
  });

  it("that a name is missing on skip it, and a name that none has is reported", () => {
    const program = compile(allowing(["waitpid", "wait4", "made_up"], ["SCMP_ARCH_X86"]));
    assert.deepEqual(program.ignoredNames, ["made_up"]);
    assert.equal(verdict(allowing(["waitpid"], ["SCMP_ARCH_X86"]), "waitpid", [], "SCMP_ARCH_X86"), "ALLOW");
  });

  it("that have socketcall and ipc let the calls behind them through there, too", () => {
    const seccomp = allowing(["socket", "shmat", "exit"], ["SCMP_ARCH_X86"]);
    const x86 = (call: string, ...args: readonly Uint64[]): string => verdict(seccomp, call, args, "SCMP_ARCH_X86");
    assert.equal(x86("socket"), "ALLOW");
    assert.equal(x86("socketcall", 1), "ALLOW");
    assert.equal(x86("socketcall", 2), eperm);
    assert.equal(x86("ipc", 21), "ALLOW");
    assert.equal(x86("ipc", 22), eperm);
    const conditional = {
      ...seccomp,
      syscalls: [ruleFor("socket", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_NE", 40], [1, "SCMP_CMP_EQ", 7])],
    };
    // The family is out of sight there, and the type is compared with the pointer that stands in its place.
    assert.equal(verdict(conditional, "socketcall", [1, 7], "SCMP_ARCH_X86"), "ALLOW");
    assert.equal(verdict(conditional, "socketcall", [1, 8], "SCMP_ARCH_X86"), eperm);
  });

  it("are refused when unknown or of the other byte order", () => {
    const field = "linux.seccomp.architectures[1]";
    const made = (name: string): LinuxSeccomp => allowing(["read"], [nativeArch, name as LinuxSeccompArch]);
    fails(made("SCMP_ARCH_VAX"), "invalid", /architecture "SCMP_ARCH_VAX": the OCI spec has no such/, field);
    fails(made("SCMP_ARCH_S390X"), "invalid", /byte order is not that of SCMP_ARCH_X86_64/, field);
    assert.throws(() => compileSeccomp(allowing([]), { nativeArch: "vax" as LinuxSeccompArch }), /machine "vax"/);
  });
});

describe("calls that are newer than the profile", () => {
  it("get ENOSYS from the highest number on that the profile names", () => {
    const seccomp = allowing(["read", "openat2"], ["SCMP_ARCH_X86"]);
    assert.equal(verdict(seccomp, "write"), eperm);
    assert.equal(verdict(seccomp, "close_range"), eperm);
    assert.equal(verdict(seccomp, "pidfd_getfd"), enosys);
    assert.equal(verdict(seccomp, 1000), enosys);
    assert.equal(verdict(seccomp, 1000, [], "SCMP_ARCH_X86"), enosys);
  });

  it("count rules that change nothing as naming a call", () => {
    const syscalls = [ruleFor("read", "SCMP_ACT_ALLOW"), ruleFor("openat2", "SCMP_ACT_ERRNO")];
    assert.equal(verdict({ defaultAction: "SCMP_ACT_ERRNO", syscalls }, "pidfd_open"), eperm);
    assert.equal(verdict({ defaultAction: "SCMP_ACT_ERRNO", syscalls }, "pidfd_getfd"), enosys);
  });

  it("get the default action when it lets them through, or when the profile names nothing", () => {
    for (const defaultAction of ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"] as const) {
      const seccomp = { defaultAction, syscalls: [ruleFor("read", "SCMP_ACT_KILL")] };
      assert.notEqual(verdict(seccomp, 1000), enosys);
    }
    assert.equal(verdict({ defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 6 }, 1000), "ERRNO(ENXIO)");
    assert.equal(
      verdict({ defaultAction: "SCMP_ACT_KILL", syscalls: [ruleFor("write", "SCMP_ACT_ALLOW")] }, 1000),
      enosys,
    );
  });

  it("are told from x32's and ARM's own calls, whose numbers are higher", () => {
    const x32 = allowing(["read", "openat2", "execve"], ["SCMP_ARCH_X32"]);
    const bit = 0x4000_0000;
    assert.equal(verdict(x32, bit + 437), "ALLOW");
    assert.equal(verdict(x32, bit + 438), enosys);
    assert.equal(verdict(x32, bit + 512), eperm);
    assert.equal(verdict(x32, "execve", [], "SCMP_ARCH_X32"), "ALLOW");
    assert.equal(verdict(x32, bit + 521), enosys);
    const arm = (call: number): string =>
      verdict(
        allowing(["read", "openat2", "set_tls"], ["SCMP_ARCH_ARM"]),
        call,
        [],
        "SCMP_ARCH_ARM",
        "SCMP_ARCH_AARCH64",
      );
    assert.equal(arm(437), "ALLOW");
    assert.equal(arm(438), enosys);
    assert.equal(arm(0xf_0004), eperm);
    assert.equal(arm(0xf_0005), "ALLOW");
    assert.equal(arm(0xf_0006), enosys);
  });

  it("arrive as number 0 on s390", () => {
    const onS390x = (seccomp: LinuxSeccomp): string => verdict(seccomp, 0, [], "SCMP_ARCH_S390X", "SCMP_ARCH_S390X");
    assert.equal(onS390x(allowing(["read"])), enosys);
    assert.equal(onS390x({ defaultAction: "SCMP_ACT_ALLOW" }), "ALLOW");
  });
});

describe("flags", () => {
  const flagsOf = (flags: LinuxSeccomp["flags"] | undefined, notify = false): number =>
    compile({
      ...allowing(["read"]),
      ...(flags === undefined ? {} : { flags }),
      ...(notify ? { listenerPath: "/l", syscalls: [ruleFor("mkdir", "SCMP_ACT_NOTIFY")] } : {}),
    }).flags;

  it("are SPEC_ALLOW when the config has none, and nothing when its list is empty", () => {
    assert.equal(flagsOf(undefined), 4);
    assert.equal(flagsOf([]), 0);
    assert.equal(flagsOf(undefined, true), 4 + 8);
  });

  it("are those of seccomp(2)", () => {
    assert.equal(flagsOf(["SECCOMP_FILTER_FLAG_LOG"]), 2);
    assert.equal(flagsOf(["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]), 6);
    assert.equal(flagsOf(["SECCOMP_FILTER_FLAG_TSYNC"]), 0);
    assert.equal(flagsOf(["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"], true), 8 + 32);
    assert.equal(flagsOf(["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]), 0);
  });

  it("are refused when unknown", () => {
    const flags = ["SECCOMP_FILTER_FLAG_MADE_UP" as LinuxSeccompFlag];
    fails({ ...allowing([]), flags }, "invalid", /flag "SECCOMP_FILTER_FLAG_MADE_UP"/, "linux.seccomp.flags[0]");
  });
});

describe("a listener", () => {
  const notify = [ruleFor("mkdir", "SCMP_ACT_NOTIFY")];

  it("gets the notifications of a config that has some", () => {
    const seccomp = { ...allowing([]), syscalls: notify, listenerPath: "/run/l.sock" };
    assert.deepEqual(compile(seccomp).listener, { path: "/run/l.sock", metadata: "" });
    assert.deepEqual(compile({ ...seccomp, listenerMetadata: "x" }).listener, { path: "/run/l.sock", metadata: "x" });
    const silent = { ...allowing(["read"]), listenerPath: "/run/l.sock" };
    assert.equal(compile(silent).listener, undefined);
    const { listener, flags } = compileSeccomp(silent, { nativeArch: "SCMP_ARCH_X86_64", listensAlways: true });
    assert.deepEqual(listener, { path: "/run/l.sock", metadata: "" });
    assert.notEqual(flags & CONSTANTS.SECCOMP_FILTER_FLAG_NEW_LISTENER, 0);
    assert.equal(
      compileSeccomp(allowing(["read"]), { nativeArch: "SCMP_ARCH_X86_64", listensAlways: true }).listener,
      undefined,
    );
  });

  it("must be there when a rule asks for it", () => {
    fails(
      { ...allowing([]), syscalls: notify },
      "invalid",
      /listenerPath: it is missing/,
      "linux.seccomp.listenerPath",
    );
    const metadata = { ...allowing([]), listenerMetadata: "x" };
    fails(metadata, "invalid", /listenerMetadata: it needs listenerPath/, "linux.seccomp.listenerMetadata");
  });

  it("cannot answer before it listens", () => {
    const listenerPath = "/l";
    fails(
      { defaultAction: "SCMP_ACT_NOTIFY", listenerPath },
      "unsupported",
      /defaultAction/,
      "linux.seccomp.defaultAction",
    );
    const syscalls = [{ names: ["read", "write"], action: "SCMP_ACT_NOTIFY" }] as const;
    fails(
      { ...allowing([]), syscalls, listenerPath },
      "unsupported",
      /on system call "write"/,
      "linux.seccomp.syscalls[0]",
    );
  });
});

describe("what means nothing", () => {
  const rule = (args: LinuxSyscall["args"], more: Partial<LinuxSyscall> = {}): LinuxSeccomp => ({
    ...allowing([]),
    syscalls: [{ names: ["ioctl"], action: "SCMP_ACT_ALLOW", ...more, ...(args === undefined ? {} : { args }) }],
  });

  it("is refused with the field that says it", () => {
    const at = "linux.seccomp.syscalls[0]";
    const op = "SCMP_CMP_EQ";
    fails(rule([{ index: 6, value: 1, op }]), "invalid", /index "6"/, `${at}.args[0].index`);
    fails(rule([{ index: 0.5, value: 1, op }]), "invalid", /index "0.5"/);
    fails(rule([{ index: 0, value: -1, op }]), "invalid", /argument "-1"/, `${at}.args[0].value`);
    fails(rule([{ index: 0, value: 2 ** 60, op }]), "invalid", /argument/);
    fails(rule([{ index: 0, value: 2n ** 64n, op }]), "invalid", /argument "18446744073709551616"/);
    fails(rule([{ index: 0, value: 1, valueTwo: 0.5, op }]), "invalid", /argument "0.5"/, `${at}.args[0].valueTwo`);
    fails(
      rule([{ index: 0, value: 1, op: "EQ" as LinuxSeccompOperator }]),
      "invalid",
      /operator "EQ"/,
      `${at}.args[0].op`,
    );
    fails(rule(undefined, { action: "ALLOW" as LinuxSyscall["action"] }), "invalid", /action "ALLOW"/, at);
    fails(rule(undefined, { action: "toString" as LinuxSyscall["action"] }), "invalid", /action "toString"/, at);
    fails(
      rule([{ index: 0, value: 1, op: "constructor" as LinuxSeccompOperator }]),
      "invalid",
      /operator "constructor"/,
    );
    fails({ ...allowing([]), flags: ["valueOf" as LinuxSeccompFlag] }, "invalid", /flag "valueOf"/);
    fails(rule(undefined, { errnoRet: 1 }), "invalid", /only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno/, at);
    fails(rule(undefined, { action: "SCMP_ACT_ERRNO", errnoRet: 65_536 }), "invalid", /errno "65536"/, at);
    fails({ ...allowing([]), defaultErrnoRet: -1 }, "invalid", /errno "-1"/, "linux.seccomp.defaultAction");
  });
});

describe("size", () => {
  /** Rules that no search can shorten: each compares two arguments. */
  const pairs = (count: number): LinuxSeccomp => ({
    ...allowing([]),
    syscalls: Array.from({ length: count }, (_, n) =>
      ruleFor("ioctl", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_EQ", n], [1, "SCMP_CMP_EQ", n]),
    ),
  });

  it("may be that of the kernel's limit, with jumps longer than a byte", () => {
    const seccomp = pairs(500);
    const { instructionCount } = compile(seccomp);
    assert.ok(instructionCount > 3500 && instructionCount <= BPF_INSTRUCTIONS_MAX, `${instructionCount} instructions`);
    assert.equal(verdict(seccomp, "ioctl", [0, 0]), "ALLOW");
    assert.equal(verdict(seccomp, "ioctl", [499, 499]), "ALLOW");
    assert.equal(verdict(seccomp, "ioctl", [499, 498]), eperm);
  });

  it("is refused beyond that, however large the profile is", () => {
    fails(pairs(700), "exhausted", /BPF_MAXINSNS is 4096/, "linux.seccomp");
    fails(pairs(50_000), "exhausted", /more than 4096 rules/);
    const values = Array.from({ length: 4000 }, (_, n) =>
      ruleFor("ioctl", "SCMP_ACT_ALLOW", [0, "SCMP_CMP_EQ", 3 * n]),
    );
    fails({ ...allowing([]), syscalls: values }, "exhausted", /BPF_MAXINSNS/);
  });
});
