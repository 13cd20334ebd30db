import { type LinuxDeviceCgroup, OrlopError } from "@orlop/core";
import { reduceDeviceRules } from "../cgroup/device-policy.ts";
import { DEVICE_ACCESS_ALL, type DevicePolicy, type DeviceRule } from "../cgroup/device-rule.ts";
import { BpfAssembler, type BpfLabel, bpfRegister } from "./bpf-assembler.ts";

/** `BPF_DEVCG_DEV_*` of include/uapi/linux/bpf.h. */
const DEVICE_TYPE = { b: 1, c: 2 } as const;

/** Keeps every jump within the 32767 instructions that its 16-bit offset reaches. */
const DEVICE_RULE_MAX = 4096;

const RESULT = bpfRegister(0);
/** `struct bpf_cgroup_dev_ctx`: u32 access_type (access << 16 | type), u32 major, u32 minor. */
const CONTEXT = bpfRegister(1);
const TYPE = bpfRegister(2);
/** Requested bits that no rule has decided yet. */
const UNDECIDED = bpfRegister(3);
const MAJOR = bpfRegister(4);
const MINOR = bpfRegister(5);

/**
 * Compiles OCI device rules into a program of type `BPF_PROG_TYPE_CGROUP_DEVICE` for cgroup v2: 1 allows the
 * access, 0 denies it. Returns the program's bytes, `struct bpf_insn` after `struct bpf_insn`.
 *
 * The rules apply in their order and the last match decides, each of read, write and mknod for itself. So an
 * open for reading and writing is denied when either is; runc and crun compare all the bits at once and let it
 * pass a rule that denies only one of them.
 */
export function compileDeviceFilter(rules: readonly LinuxDeviceCgroup[]): Uint8Array {
  return compileDevicePolicy(reduceDeviceRules(rules));
}

/** As {@link compileDeviceFilter}, from rules that are already reduced. */
export function compileDevicePolicy(policy: DevicePolicy): Uint8Array {
  if (policy.rules.length > DEVICE_RULE_MAX) {
    throw new OrlopError(
      "exhausted",
      `Cannot compile device filter: ${policy.rules.length} rules are left after reduction, the limit is ${DEVICE_RULE_MAX}`,
      { operation: "compile device filter", field: "linux.resources.devices" },
    );
  }
  const assembler = new BpfAssembler();
  const allow = assembler.label("allow");
  const deny = assembler.label("deny");
  assembler.loadWord(TYPE, CONTEXT, 0);
  assembler.alu32("MOV", UNDECIDED, TYPE);
  assembler.alu32("AND", TYPE, 0xffff);
  assembler.alu32("RSH", UNDECIDED, 16);
  assembler.loadWord(MAJOR, CONTEXT, 4);
  assembler.loadWord(MINOR, CONTEXT, 8);
  for (const rule of policy.rules.toReversed()) compileRule(assembler, rule, allow, deny);
  const [usual, exception] = policy.defaultAllow ? [allow, deny] : [deny, allow];
  compileVerdict(assembler, usual, policy.defaultAllow);
  // The verifier refuses a program with instructions that nothing leads to.
  if (policy.rules.some((rule) => rule.allow !== policy.defaultAllow)) {
    compileVerdict(assembler, exception, !policy.defaultAllow);
  }
  return assembler.assemble();
}

function compileRule(assembler: BpfAssembler, rule: DeviceRule, allow: BpfLabel, deny: BpfLabel): void {
  const next = assembler.label("next");
  assembler.jump32("JNE", TYPE, DEVICE_TYPE[rule.type], next);
  if (rule.major !== undefined) assembler.jump32("JNE", MAJOR, rule.major, next);
  if (rule.minor !== undefined) assembler.jump32("JNE", MINOR, rule.minor, next);
  if (rule.access === DEVICE_ACCESS_ALL) assembler.jump(rule.allow ? allow : deny);
  else if (rule.allow) {
    assembler.alu32("AND", UNDECIDED, DEVICE_ACCESS_ALL & ~rule.access);
    assembler.jump32("JEQ", UNDECIDED, 0, allow);
  } else assembler.jump32("JSET", UNDECIDED, rule.access, deny);
  assembler.mark(next);
}

function compileVerdict(assembler: BpfAssembler, label: BpfLabel, verdict: boolean): void {
  assembler.mark(label);
  assembler.alu32("MOV", RESULT, verdict ? 1 : 0);
  assembler.exit();
}
