import { type LinuxDeviceCgroup, OrlopError } from "@orlop/core";

/** Kinds of access to a device, with the bits of `BPF_DEVCG_ACC_*` in include/uapi/linux/bpf.h. */
export const DEVICE_ACCESS = { m: 1, r: 2, w: 4 } as const;
export const DEVICE_ACCESS_ALL = 7;

/** Linux keeps 12 bits of major and 20 of minor number; the filter's context has 32 for each. */
const DEVICE_NUMBER_MAX = 0xffff_ffff;

/** A rule about block or character devices; `undefined` stands for every number. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type: "b" | "c";
  readonly major: number | undefined;
  readonly minor: number | undefined;
  /** Set of {@link DEVICE_ACCESS} bits, not empty. */
  readonly access: number;
  /** The configuration field that the rule comes from. */
  readonly field: string;
}

/**
 * What is allowed: each requested bit is decided by the last rule that names it and matches the device, or by
 * `defaultAllow`; the access is allowed when all its bits are.
 */
export interface DevicePolicy {
  readonly defaultAllow: boolean;
  readonly rules: readonly DeviceRule[];
}

/**
 * Reads a composition of `r`, `w` and `m`. Other letters beside these stand for nothing, as in runc and crun, and
 * {@link unknownAccess} tells of them; without any of the three the rule says nothing: throws OrlopError("invalid").
 */
function parseDeviceAccess(access: string | undefined, field: string): number {
  let bits = 0;
  for (const letter of access ?? "") bits |= accessBit(letter);
  if (bits === 0) throw invalid(field, access ?? "", "a rule needs at least one of r, w and m");
  return bits;
}

/** The letters of a rule's access that stand for none. */
export function unknownAccess({ access = "" }: LinuxDeviceCgroup): string {
  return [...access].filter((letter) => accessBit(letter) === 0).join("");
}

function accessBit(letter: string): number {
  return letter in DEVICE_ACCESS ? DEVICE_ACCESS[letter as keyof typeof DEVICE_ACCESS] : 0;
}

/** `rwm`, in the order in which the kernel prints it. */
export function formatDeviceAccess(bits: number): string {
  return `${bits & DEVICE_ACCESS.r ? "r" : ""}${bits & DEVICE_ACCESS.w ? "w" : ""}${bits & DEVICE_ACCESS.m ? "m" : ""}`;
}

/** `c 1:* rwm`: a line of cgroup v1's `devices.allow`, `devices.deny` and `devices.list`. */
export function formatDeviceRule(rule: DeviceRule): string {
  return `${rule.type} ${rule.major ?? "*"}:${rule.minor ?? "*"} ${formatDeviceAccess(rule.access)}`;
}

/**
 * The two or one rules that an OCI rule stands for (config-linux.md, "Allowed Device list"): type `a` is both
 * kinds, absent and negative numbers are wildcards.
 */
export function expandDeviceRule(rule: LinuxDeviceCgroup, field: string): DeviceRule[] {
  const access = parseDeviceAccess(rule.access, `${field}.access`);
  const major = deviceNumber(rule.major, `${field}.major`);
  const minor = deviceNumber(rule.minor, `${field}.minor`);
  const types = rule.type === undefined || rule.type === "a" ? (["b", "c"] as const) : [rule.type];
  return types.map((type) => ({ allow: rule.allow, type, major, minor, access, field }));
}

function deviceNumber(number: number | undefined, field: string): number | undefined {
  if (number === undefined || number < 0) return undefined;
  if (!Number.isInteger(number) || number > DEVICE_NUMBER_MAX) {
    throw invalid(field, `${number}`, `a device number is an integer up to ${DEVICE_NUMBER_MAX}`);
  }
  return number;
}

/** Whether every device that `inner` matches is matched by `outer`. */
export function coversDevices(outer: DeviceRule, inner: DeviceRule): boolean {
  return (
    outer.type === inner.type &&
    (outer.major === undefined || outer.major === inner.major) &&
    (outer.minor === undefined || outer.minor === inner.minor)
  );
}

/** Whether some device is matched by both. */
export function sharesDevices(one: DeviceRule, other: DeviceRule): boolean {
  return one.type === other.type && numbersMeet(one.major, other.major) && numbersMeet(one.minor, other.minor);
}

function numbersMeet(one: number | undefined, other: number | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

function invalid(field: string, value: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot use ${field} "${value}": ${what}`, { operation: "plan cgroup", field });
}
