import { OrlopError } from "@orlop/core";
import type { DBusValue } from "../../dbus/dbus-value.ts";
import { parseGVariantText } from "../../dbus/gvariant-text.ts";
import { type SystemdProperty, systemdProperty } from "./systemd-property.ts";

const PREFIX = "org.systemd.property.";

/**
 * Properties that annotations ask for, as in runc and crun: `org.systemd.property.CollectMode` with the value
 * `'inactive-or-failed'` in GVariant's text format. systemd documents durations in seconds (`TimeoutStopSec`) and
 * takes them over D-Bus in microseconds (`TimeoutStopUSec`), so those are converted.
 *
 * Throws OrlopError("invalid") with the annotation's name.
 */
export function annotationProperties(annotations: Readonly<Record<string, string>>): SystemdProperty[] {
  return Object.entries(annotations).flatMap(([key, text]) =>
    key.startsWith(PREFIX) ? [readAnnotation(key, text)] : [],
  );
}

function readAnnotation(key: string, text: string): SystemdProperty {
  const name = key.slice(PREFIX.length);
  if (!/^[A-Za-z]{3,}$/.test(name)) throw invalid(key, "a property's name is three letters or more");
  const variant = parse(key, text);
  if (!/[a-z]Sec$/.test(name)) return { name, value: variant };
  return systemdProperty(`${name.slice(0, -"Sec".length)}USec`, "t", microseconds(key, variant.value));
}

function parse(key: string, text: string): ReturnType<typeof parseGVariantText> {
  try {
    return parseGVariantText(text);
  } catch (error) {
    if (error instanceof OrlopError) throw invalid(key, error.message, error);
    throw error;
  }
}

function microseconds(key: string, seconds: DBusValue): bigint {
  if (typeof seconds === "bigint" && seconds >= 0n) return seconds * 1_000_000n;
  if (typeof seconds === "number" && seconds >= 0) return BigInt(Math.round(seconds * 1_000_000));
  throw invalid(key, "a duration is a number of seconds");
}

function invalid(key: string, what: string, cause?: unknown): OrlopError {
  return new OrlopError("invalid", `Cannot use annotation "${key}": ${what}`, {
    operation: "plan cgroup",
    field: `annotations.${key}`,
    ...(cause === undefined ? {} : { cause }),
  });
}
