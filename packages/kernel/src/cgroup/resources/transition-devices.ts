import { OrlopError } from "@orlop/core";
import {
  coversDevices,
  type DevicePolicy,
  type DeviceRule,
  expandDeviceRule,
  formatDeviceRule,
  sharesDevices,
} from "../device-rule.ts";
import { refuse } from "./resource-context.ts";

/** One write to version 1's device controller. */
export interface DeviceLine {
  readonly file: "devices.allow" | "devices.deny";
  readonly line: string;
  /** Below `linux.resources`. */
  readonly field: string;
  readonly reason: string;
}

/**
 * The writes that bring version 1's device controller from what `devices.list` shows to a policy, what
 * is new before what goes, so that nothing is denied in between that is allowed before and after.
 *
 * `present` undefined is a new cgroup. There, and while the list shows "everything" (its exceptions cannot be
 * read), the first write resets the list.
 */
export function transitionDevices(present: string | undefined, policy: DevicePolicy): DeviceLine[] {
  const wanted = exceptionsOf(policy);
  const old = present === undefined ? undefined : parseDevicesList(present);
  const lines: DeviceLine[] = [];
  if (old === undefined || policy.defaultAllow) lines.push(resetLine(policy.defaultAllow));
  const kept = policy.defaultAllow ? [] : (old ?? []);
  for (const rule of wanted) {
    const access = rule.access & ~accessIn(kept, rule);
    if (access !== 0) lines.push(ruleLine({ ...rule, access }, rule.allow ? "may be used" : "may not be used"));
  }
  for (const rule of kept) {
    const access = rule.access & ~accessIn(wanted, rule);
    if (access !== 0) lines.push(ruleLine({ ...rule, access, allow: false }, "is not in the list any more"));
  }
  return lines;
}

function resetLine(allow: boolean): DeviceLine {
  return {
    file: allow ? "devices.allow" : "devices.deny",
    line: "a",
    field: "devices",
    reason: allow ? "Starts from every device" : "Starts from no device",
  };
}

function ruleLine(rule: DeviceRule, what: string): DeviceLine {
  const file = rule.allow ? "devices.allow" : "devices.deny";
  const line = formatDeviceRule(rule);
  return { file, line, field: rule.field, reason: `Device ${line.slice(0, line.lastIndexOf(" "))} ${what}` };
}

function accessIn(rules: readonly DeviceRule[], rule: DeviceRule): number {
  const twin = rules.find((other) => coversDevices(other, rule) && coversDevices(rule, other));
  return twin?.access ?? 0;
}

/**
 * The kernel keeps one default and a set of exceptions from it, no order. A rule that repeats the default would
 * cut a hole into an exception; the kernel ignores such a write, so it is refused here.
 */
function exceptionsOf(policy: DevicePolicy): readonly DeviceRule[] {
  const hole = policy.rules.find((rule) => rule.allow === policy.defaultAllow);
  if (hole !== undefined) {
    const field = hole.field.replace(/^linux\.resources\./, "");
    const what = "version 1 cannot except a device from a rule about more devices; version 2 can";
    throw refuse("unsupported", field, formatDeviceRule(hole), what);
  }
  return policy.defaultAllow ? policy.rules : completeUnions(policy.rules);
}

/**
 * The kernel allows an access when one exception has all its bits; the policy, when every bit is allowed by
 * some rule. So each set of devices that two rules share gets the bits of both.
 */
function completeUnions(rules: readonly DeviceRule[]): DeviceRule[] {
  const complete = [...rules];
  for (let at = 0; at < complete.length; at++) {
    for (let other = 0; other < at; other++) {
      const [one, two] = [complete[at], complete[other]];
      if (one === undefined || two === undefined || !sharesDevices(one, two)) continue;
      addUnion(complete, one, two);
    }
  }
  return complete;
}

function addUnion(rules: DeviceRule[], one: DeviceRule, two: DeviceRule): void {
  const union: DeviceRule = {
    ...one,
    major: one.major ?? two.major,
    minor: one.minor ?? two.minor,
    access: one.access | two.access,
  };
  const at = rules.findIndex((rule) => coversDevices(rule, union) && coversDevices(union, rule));
  const twin = rules[at];
  if (union.access === one.access && coversDevices(one, union)) return;
  if (union.access === two.access && coversDevices(two, union)) return;
  if (twin === undefined) rules.push(union);
  else rules[at] = { ...twin, access: twin.access | union.access };
}

/**
 * Reads `devices.list`; undefined when it shows that everything is allowed, in which case the kernel does not
 * show the exceptions. Throws OrlopError("invalid") on another form.
 */
function parseDevicesList(text: string): DeviceRule[] | undefined {
  const rules: DeviceRule[] = [];
  for (const line of text.split("\n").filter((candidate) => candidate !== "")) {
    const match = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]+)$/.exec(line);
    if (match === null) throw new OrlopError("invalid", `Cannot read devices.list line "${line}": it has another form`);
    const [, type, major, minor, access] = match;
    if (type === "a") return undefined;
    const rule = {
      allow: true,
      type: type as "b" | "c",
      access: access ?? "",
      ...number("major", major),
      ...number("minor", minor),
    };
    rules.push(...expandDeviceRule(rule, "linux.resources.devices"));
  }
  return rules;
}

function number(name: "major" | "minor", text: string | undefined): { major?: number; minor?: number } {
  return text === undefined || text === "*" ? {} : { [name]: Number(text) };
}
