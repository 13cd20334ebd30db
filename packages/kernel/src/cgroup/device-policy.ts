import type { LinuxDeviceCgroup } from "@orlop/core";
import {
  coversDevices,
  DEVICE_ACCESS_ALL,
  type DevicePolicy,
  type DeviceRule,
  expandDeviceRule,
  sharesDevices,
} from "./device-rule.ts";

/**
 * Brings an ordered list of OCI rules to the least list that decides every access the same way.
 *
 * Nothing is allowed before the first rule, as in runc and crun. The result has no rule that a later one hides
 * and none that repeats what the rules before it decide, so that the usual "deny all, then allow these" comes
 * out as `defaultAllow: false` and the allowed devices.
 *
 * `fieldOf` names the configuration field of a rule. Throws OrlopError("invalid") on an access or a number
 * that cannot be.
 */
export function reduceDeviceRules(
  rules: readonly LinuxDeviceCgroup[],
  fieldOf: (index: number) => string = (index) => `linux.resources.devices[${index}]`,
): DevicePolicy {
  const expanded = rules.flatMap((rule, index) => expandDeviceRule(rule, fieldOf(index)));
  // Whole rules go first: cutting bits out of "everything" would keep it from becoming the default.
  const { defaultAllow, rules: visible } = absorbWildcards(removeHidden(expanded, (rule) => rule.access));
  const cut = removeHidden(removeRepeated(visible, defaultAllow), (rule, hidden) => rule.access & ~hidden);
  return { defaultAllow, rules: mergeEqual(removeRepeated(cut, defaultAllow)) };
}

/** Drops the rules that later ones hide; of the others, keeps the bits that `keep` says. */
function removeHidden(rules: readonly DeviceRule[], keep: (rule: DeviceRule, hidden: number) => number): DeviceRule[] {
  const kept: DeviceRule[] = [];
  for (const rule of rules.toReversed()) {
    const hidden = kept.reduce((bits, later) => (coversDevices(later, rule) ? bits | later.access : bits), 0);
    if ((rule.access & ~hidden) !== 0) kept.unshift({ ...rule, access: keep(rule, hidden) });
  }
  return kept;
}

/** Rules that decide everything about both kinds of device, the same way, are the default. */
function absorbWildcards(rules: readonly DeviceRule[]): DevicePolicy {
  const everything = rules.filter(
    (rule) => rule.major === undefined && rule.minor === undefined && rule.access === DEVICE_ACCESS_ALL,
  );
  const [block, character] = [
    everything.find((rule) => rule.type === "b"),
    everything.find((rule) => rule.type === "c"),
  ];
  if (block === undefined || character === undefined || block.allow !== character.allow) {
    return { defaultAllow: false, rules };
  }
  return { defaultAllow: block.allow, rules: rules.filter((rule) => rule !== block && rule !== character) };
}

/** Takes from each rule the bits that the rules before it, or the default, decide the same way for all of its devices. */
function removeRepeated(rules: readonly DeviceRule[], defaultAllow: boolean): DeviceRule[] {
  const kept: DeviceRule[] = [];
  for (const rule of rules) {
    let undecided = rule.access;
    let needed = 0;
    for (const earlier of kept.toReversed()) {
      if (undecided === 0) break;
      if (!sharesDevices(earlier, rule)) continue;
      if (earlier.allow !== rule.allow) needed |= undecided & earlier.access;
      else if (!coversDevices(earlier, rule)) continue;
      undecided &= ~earlier.access;
    }
    if (defaultAllow !== rule.allow) needed |= undecided;
    if (needed !== 0) kept.push({ ...rule, access: needed });
  }
  return kept;
}

/** Joins rules about the same devices where nothing between them says otherwise. */
function mergeEqual(rules: readonly DeviceRule[]): DeviceRule[] {
  const merged: DeviceRule[] = [];
  for (const rule of rules) {
    const at = merged.findLastIndex((earlier) => sharesDevices(earlier, rule) && !sameVerdict(earlier, rule));
    const twin = merged.findIndex(
      (earlier, index) => index > at && sameDevices(earlier, rule) && sameVerdict(earlier, rule),
    );
    const found = merged[twin];
    if (found === undefined) merged.push(rule);
    else merged[twin] = { ...found, access: found.access | rule.access };
  }
  return merged;
}

function sameVerdict(one: DeviceRule, other: DeviceRule): boolean {
  return one.allow === other.allow;
}

function sameDevices(one: DeviceRule, other: DeviceRule): boolean {
  return coversDevices(one, other) && coversDevices(other, one);
}

/** A question of the kernel: may this device be used so? `access` has at least one bit. */
export interface DeviceRequest {
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  readonly access: number;
}

/** Answers as the definition of {@link DevicePolicy} says, rule by rule: what every compiled form must agree with. */
export function decideDeviceAccess(policy: DevicePolicy, request: DeviceRequest): boolean {
  const asked: DeviceRule = { ...request, allow: true, field: "" };
  let undecided = request.access;
  for (const rule of policy.rules.toReversed()) {
    if (!coversDevices(rule, asked)) continue;
    if (!rule.allow && (rule.access & undecided) !== 0) return false;
    undecided &= ~rule.access;
    if (undecided === 0) return true;
  }
  return policy.defaultAllow;
}
