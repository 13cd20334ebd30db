import type { LinuxDeviceCgroup } from "@orlop/core";
import type { DBusValue } from "../../dbus/dbus-value.ts";
import { type DeviceRule, formatDeviceAccess } from "../device-rule.ts";
import { containerDevicePolicy } from "../resources/plan-devices.ts";
import { type ResourcePropertyOptions, SYSTEMD_SINCE } from "./resource-properties.ts";
import { type SystemdProperty, systemdProperty } from "./systemd-property.ts";

/**
 * The device list as systemd's properties, which know allowed devices by path or by major number and nothing
 * else. What they cannot say is left to our own filter:
 *
 * - version 2: systemd sets no filter at all; ours is attached beside it and stays when systemd reloads
 * - version 1: systemd would reset the one list there is to "everything" when it reloads, so it gets the rules
 *   that it can express, under a strict policy: a reload may then deny, and never allows, too much
 */
export function deviceProperties(
  rules: readonly LinuxDeviceCgroup[],
  { cgroupVersion, systemdVersion }: ResourcePropertyOptions,
): SystemdProperty[] {
  const policy = containerDevicePolicy(rules);
  const entries = policy.rules.map((rule) => deviceEntry(rule, systemdVersion));
  const expressible = !policy.defaultAllow && entries.every((entry) => entry !== undefined);
  const everything = policy.defaultAllow && entries.length === 0;
  // An empty list first: the property appends, and an update must not add to the old list.
  const reset = systemdProperty("DeviceAllow", "a(ss)", []);
  if (everything || (!expressible && cgroupVersion === 2)) return [reset, systemdProperty("DevicePolicy", "s", "auto")];
  const allowed = policy.defaultAllow ? [] : entries.filter((entry) => entry !== undefined);
  return [reset, systemdProperty("DevicePolicy", "s", "strict"), systemdProperty("DeviceAllow", "a(ss)", allowed)];
}

/** `/dev/char/1:3`, `char-136`, `char-*`, with the access; undefined when systemd has no words for it. */
function deviceEntry(rule: DeviceRule, systemdVersion: number): DBusValue | undefined {
  if (!rule.allow) return undefined;
  const kind = rule.type === "b" ? "block" : "char";
  const access = formatDeviceAccess(rule.access);
  if (rule.major === undefined) return rule.minor === undefined ? [`${kind}-*`, access] : undefined;
  if (rule.minor !== undefined) return [`/dev/${kind}/${rule.major}:${rule.minor}`, access];
  return systemdVersion >= SYSTEMD_SINCE.deviceByMajor ? [`${kind}-${rule.major}`, access] : undefined;
}
