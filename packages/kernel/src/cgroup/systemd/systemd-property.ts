import type { DBusValue, DBusVariant } from "../../dbus/dbus-value.ts";

/** A property of a unit, as StartTransientUnit and SetUnitProperties take it (org.freedesktop.systemd1(5)). */
export interface SystemdProperty {
  readonly name: string;
  readonly value: DBusVariant;
}

/** What systemd writes for "no limit" in its unsigned 64-bit properties. */
export const SYSTEMD_INFINITY: bigint = 2n ** 64n - 1n;

export function systemdProperty(name: string, signature: string, value: DBusValue): SystemdProperty {
  return { name, value: { signature, value } };
}
