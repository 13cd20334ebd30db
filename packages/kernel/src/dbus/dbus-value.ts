import { OrlopError } from "@orlop/core";

/** A value with its own signature, type `v`. */
export interface DBusVariant {
  readonly signature: string;
  readonly value: DBusValue;
}

/**
 * What a type looks like here: `x` and `t` are bigint, the other numbers number, `b` boolean, `s`, `o` and `g`
 * string, `ay` Uint8Array, other arrays, structures and dictionary entries an array, `v` a {@link DBusVariant}.
 */
export type DBusValue = number | bigint | boolean | string | Uint8Array | DBusVariant | readonly DBusValue[];

/** Limits of the specification. */
export const DBUS_ARRAY_BYTES_MAX: number = 64 << 20;
export const DBUS_VARIANT_DEPTH_MAX = 64;

/** The error for a value or bytes that D-Bus does not allow. */
export function invalidDBusValue(what: string): OrlopError {
  return new OrlopError("invalid", `Cannot convert D-Bus message: ${what}`, { operation: "D-Bus" });
}
