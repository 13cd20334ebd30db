import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { decodeSeccompProfile, type LinuxSeccomp, type LinuxSeccompArch } from "@orlop/core";
import { seccompArchitecture } from "../abi/syscall-numbers/seccomp-architecture.ts";
import { syscallColumn, syscallId } from "../abi/syscall-numbers/syscall-numbers.ts";
import { Random } from "../program/random-program-fixture.ts";
import { type BpfInstruction, decodeBpf } from "./bpf-instruction.ts";
import { runSeccompBpf } from "./bpf-interpreter.ts";
import { compileSeccomp } from "./compile-seccomp.ts";
import { defaultSeccompProfile } from "./default-seccomp-profile.ts";
import { ExpectedVerdicts } from "./expected-verdicts-fixture.ts";
import { type RuleShape, randomArgument, randomSeccomp } from "./random-seccomp-fixture.ts";
import { resolveSeccompProfile } from "./resolve-seccomp-profile.ts";
import { seccompReturn } from "./seccomp-action.ts";

const nativeArch = "SCMP_ARCH_X86_64";

/**
 * Drives libseccomp as runc does: native architecture and those listed, one rule for each name, a repeated argument
 * as several rules, the search tree from 33 rules on. Each filter in a process of its own with a deadline, because
 * some rules send libseccomp into an endless loop.
 */
const driver = `
import ctypes, json, os, signal, sys
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
lib.seccomp_arch_resolve_name.restype = ctypes.c_uint32
lib.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p
class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]
OPS = ["", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"]
def build(request):
    unknown = []
    context = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(request["default"])))
    for arch in request["arches"]:
        code = lib.seccomp_arch_add(context, ctypes.c_uint32(lib.seccomp_arch_resolve_name(arch.encode())))
        if code not in (0, -17): return {"error": code}
    if len(request["rules"]) > 32: lib.seccomp_attr_set(context, 8, 2)
    for verdict, name, args in request["rules"]:
        if verdict == request["default"]: continue
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            unknown.append(name)
            continue
        args = [Compare(index, OPS.index(op), int(a), int(b)) for index, op, a, b in args]
        repeats = len({each.arg for each in args}) < len(args)
        for group in ([[each] for each in args] if repeats else [args]):
            array = (Compare * max(1, len(group)))(*group)
            code = lib.seccomp_rule_add_array(context, ctypes.c_uint32(verdict), number, len(group), array)
            if code != 0: return {"error": code}
    file = os.memfd_create("bpf")
    if lib.seccomp_export_bpf(context, file) != 0: return {"error": "export"}
    calls = {}
    for arch in request["arches"]:
        token = ctypes.c_uint32(lib.seccomp_arch_resolve_name(arch.encode()))
        base = 0x40000000 if arch == "x32" else 0
        calls["SCMP_ARCH_" + arch.upper()] = [n for n in range(base, base + 600) if lib.seccomp_syscall_resolve_num_arch(token, n)]
    return {"filter": os.pread(file, os.lseek(file, 0, 1), 0).hex(), "unknown": unknown, "calls": calls}
def isolated(request):
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        data = json.dumps(build(request)).encode()
        os.close(source)
        with os.fdopen(sink, "wb") as file: file.write(data)
        os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as file: data = file.read()
    return json.loads(data) if os.waitpid(child, 0)[1] == 0 else {"error": "died"}
print(json.dumps([isolated(request) for request in json.load(sys.stdin)]))
`;

interface BuiltFilter {
  readonly filter: string;
  /** Names that are too new for this libseccomp. */
  readonly unknown: readonly string[];
  /** By architecture, the numbers that it has a name for. */
  readonly calls: Readonly<Record<string, readonly number[]>>;
}

/** What libseccomp made of a profile. */
type Built = BuiltFilter | { readonly error: number | string };

/** The same profiles as libseccomp compiles them; undefined, and the test skipped, where it is not installed. */
function buildWithLibseccomp(t: TestContext, profiles: readonly LinuxSeccomp[]): readonly Built[] | undefined {
  if (process.arch !== "x64") {
    t.skip("the profiles are for x86-64, and libseccomp compiles for the machine it is on");
    return undefined;
  }
  const requests = profiles.map(({ defaultAction, defaultErrnoRet, architectures = [], syscalls = [] }) => ({
    default: seccompReturn(defaultAction, defaultErrnoRet, ""),
    arches: architectures.map((name) => name.replace("SCMP_ARCH_", "").toLowerCase()),
    rules: syscalls.flatMap(({ names, action, errnoRet, args = [] }) =>
      names.map((name) => [
        seccompReturn(action, errnoRet, ""),
        name,
        args.map(({ index, op, value, valueTwo = 0 }) => [index, op, String(value), String(valueTwo)]),
      ]),
    ),
  }));
  const options = { input: JSON.stringify(requests), encoding: "utf8", maxBuffer: 1 << 28 } as const;
  const { status, stdout, stderr } = spawnSync("python3", ["-c", driver], options);
  if (status === 0) return JSON.parse(stdout);
  t.skip(`python3 with libseccomp.so.2 is not here: ${stderr?.trim().split("\n").at(-1) ?? "no python3"}`);
  return undefined;
}

function withoutNames({ syscalls = [], ...rest }: LinuxSeccomp, unknown: ReadonlySet<string>): LinuxSeccomp {
  return {
    ...rest,
    syscalls: syscalls.map((rule) => ({ ...rule, names: rule.names.filter((name) => !unknown.has(name)) })),
  };
}

/** Compares our filter with theirs for one number of one architecture, over many arguments. */
class TwoFilters {
  readonly #ours: readonly BpfInstruction[];
  readonly #theirs: readonly BpfInstruction[];
  readonly #expected: ExpectedVerdicts;
  readonly calls: BuiltFilter["calls"];

  constructor(seccomp: LinuxSeccomp, theirs: Built | undefined) {
    assert.ok(theirs !== undefined && "filter" in theirs, JSON.stringify(theirs));
    const known = withoutNames(seccomp, new Set(theirs.unknown));
    this.#ours = decodeBpf(compileSeccomp(known, { nativeArch }).filter, true);
    this.#theirs = decodeBpf(Buffer.from(theirs.filter, "hex"), true);
    this.#expected = new ExpectedVerdicts(known, nativeArch);
    this.calls = theirs.calls;
  }

  /** What differs, in words; undefined when nothing does. */
  difference(nr: number, name: LinuxSeccompArch, args: readonly bigint[]): string | undefined {
    const architecture = seccompArchitecture(name);
    // The kernel passes a 32-bit program's arguments on without upper halves.
    const call = {
      nr,
      arch: architecture?.auditArch ?? 0,
      args: args.map((arg) => BigInt.asUintN(architecture?.wordBits ?? 64, arg)),
    };
    const [ours, theirs] = [this.#ours, this.#theirs].map((each) => runSeccompBpf(each, call, true).verdict);
    if (ours === theirs) return undefined;
    // runc puts the answer to new calls before libseccomp's filter; libseccomp itself has none.
    if (ours === 0x5_0026 && [...this.#expected.of(call)].every((each) => each === ours)) return undefined;
    const text = call.args.map((arg) => `0x${arg.toString(16)}`).join(", ");
    return `${name} ${nr}(${text}): ours 0x${ours?.toString(16)}, theirs 0x${theirs?.toString(16)}`;
  }
}

const architectureLists: readonly (readonly LinuxSeccompArch[])[] = [
  ["SCMP_ARCH_X86_64"],
  ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
  ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
  ["SCMP_ARCH_X86_64", "SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64"],
  ["SCMP_ARCH_X86_64", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_MIPSEL"],
];

function numbersOf(names: readonly string[], arch: LinuxSeccompArch): readonly number[] {
  const architecture = seccompArchitecture(arch);
  if (architecture === undefined) return [];
  const column = syscallColumn(architecture);
  return names.map((name) => column[syscallId(name) ?? -1] ?? -1).filter((number) => number !== -1);
}

/**
 * The shapes of rules for which libseccomp does what its documentation says. Where several rules for one call order an
 * argument, look at different arguments or differ in their actions, it merges some wrongly (2.5.4 and 2.6.1: of
 * `arg1 < 0` and `arg1 < 0x200000000`, the second does not match 0xffffffff), refuses others, and sometimes does not
 * end. We keep to the documentation there, as compile-seccomp.test.ts shows. A filter that begins with a call which
 * only another architecture has is compiled wrongly, too; hence read(2) at the beginning of every random profile.
 */
const shapes: Readonly<Record<string, RuleShape>> = {
  "one rule for each call": { rulesPerCall: "one", sameArgument: false, operators: "all", sameAction: false },
  "many rules that compare one argument for equality": {
    rulesPerCall: "many",
    sameArgument: true,
    operators: "equalities",
    sameAction: true,
  },
};

/** `ORLOP_FUZZ_RUNS=100000` looks for longer. */
const RUNS = Number(process.env.ORLOP_FUZZ_RUNS ?? 150);

describe("libseccomp's filter and ours", () => {
  for (const [title, shape] of Object.entries(shapes)) {
    it(`decide the same with ${title}`, (t) => {
      const random = new Random(7);
      const profiles = Array.from({ length: RUNS }, () => randomSeccomp(random, random.pick(architectureLists), shape));
      const built = buildWithLibseccomp(t, profiles);
      if (built === undefined) return;
      for (const [index, seccomp] of profiles.entries()) {
        const filters = new TwoFilters(seccomp, built[index]);
        const names = ["socketcall", "ipc", ...(seccomp.syscalls ?? []).flatMap((rule) => rule.names)];
        for (const arch of seccomp.architectures ?? []) {
          for (const nr of numbersOf(names, arch)) {
            for (let count = 0; count < 20; count += 1) {
              const args = [0, 1, 2].map(() => randomArgument(random));
              assert.equal(
                filters.difference(nr, arch, args),
                undefined,
                JSON.stringify(seccomp, (_k, v) => (typeof v === "bigint" ? `0x${v.toString(16)}` : v)),
              );
            }
          }
        }
      }
    });
  }
});

const podmanProfile = "/usr/share/containers/seccomp.json";

const capabilitySets = [
  [],
  ["CAP_SYS_ADMIN"],
  ["CAP_AUDIT_WRITE", "CAP_SYS_CHROOT", "CAP_MKNOD"],
  ["CAP_SYS_PTRACE", "CAP_BPF", "CAP_SYS_MODULE", "CAP_SYS_TIME"],
];

/** Around what real profiles compare with: socket families and protocols, personalities, namespace flags. */
const realArguments = [
  0n,
  2n,
  8n,
  9n,
  16n,
  40n,
  0x2_0000n,
  0x2_0008n,
  0x1200_0011n,
  0xffff_ffffn,
  0x1_0000_0028n,
].flatMap((value) => [
  [value, 0n, 0n],
  [value, 3n, 9n],
  [16n, value, 9n],
]);

describe("real profiles under libseccomp and under us", () => {
  const check = (t: TestContext, profiles: readonly LinuxSeccomp[]): void => {
    const built = buildWithLibseccomp(t, profiles);
    if (built === undefined) return;
    for (const [index, seccomp] of profiles.entries()) {
      const filters = new TwoFilters(seccomp, built[index]);
      const conditional = (seccomp.syscalls ?? []).flatMap(({ names, args = [] }) => (args.length > 0 ? names : []));
      for (const arch of seccomp.architectures ?? []) {
        for (const nr of numbersOf([...conditional, "socketcall"], arch)) {
          for (const args of realArguments) assert.equal(filters.difference(nr, arch, args), undefined);
        }
        for (const nr of filters.calls[arch] ?? []) assert.equal(filters.difference(nr, arch, []), undefined);
      }
    }
  };

  it("decide the same about the default profile", (t) => {
    check(
      t,
      capabilitySets.map((capabilities) =>
        defaultSeccompProfile({ arch: nativeArch, capabilities, kernelVersion: "6.18" }),
      ),
    );
  });

  it("decide the same about podman's", (t) => {
    if (!existsSync(podmanProfile)) {
      t.skip(`${podmanProfile} is not here: apt-get install golang-github-containers-common`);
      return;
    }
    const profile = decodeSeccompProfile(readFileSync(podmanProfile));
    check(
      t,
      capabilitySets.map((capabilities) =>
        resolveSeccompProfile(profile, { arch: nativeArch, capabilities, kernelVersion: "6.18" }),
      ),
    );
  });
});
