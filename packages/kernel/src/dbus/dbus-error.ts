import { type ErrorCode, OrlopError } from "@orlop/core";
import type { DBusMessage } from "./dbus-message.ts";

/** The D-Bus name of the error that a call failed with: `org.freedesktop.systemd1.UnitExists`. */
export function dbusErrorName(error: unknown): string | undefined {
  const cause = error instanceof OrlopError ? error.cause : undefined;
  return cause instanceof Error && cause.name.includes(".") ? cause.name : undefined;
}

// table: last part of a D-Bus error name, the bus's and systemd's
const ERROR_CODES: Readonly<Record<string, ErrorCode>> = {
  AccessDenied: "denied",
  AuthFailed: "denied",
  InteractiveAuthorizationRequired: "denied",
  ServiceUnknown: "not-found",
  NameHasNoOwner: "not-found",
  FileNotFound: "not-found",
  UnknownObject: "not-found",
  NoSuchUnit: "not-found",
  NoSuchProcess: "not-found",
  UnixProcessIdUnknown: "not-found",
  UnitExists: "exists",
  InvalidArgs: "invalid",
  InvalidSignature: "invalid",
  BadUnitSetting: "invalid",
  UnknownMethod: "unsupported",
  UnknownInterface: "unsupported",
  UnknownProperty: "unsupported",
  PropertyReadOnly: "unsupported",
  NotSupported: "unsupported",
  LimitsExceeded: "exhausted",
  NoMemory: "exhausted",
  NoReply: "cancelled",
  Timeout: "cancelled",
};

/** The error that an error message stands for, as the answer to a call of `member`. */
export function dbusReplyError(member: string, message: DBusMessage): OrlopError {
  const name = message.errorName ?? "";
  const text = typeof message.body[0] === "string" ? message.body[0] : name;
  const cause = Object.assign(new Error(text), { name });
  const code = ERROR_CODES[name.slice(name.lastIndexOf(".") + 1)] ?? "failed";
  return new OrlopError(code, `Cannot call D-Bus method "${member}": ${text}`, { operation: "call D-Bus", cause });
}
