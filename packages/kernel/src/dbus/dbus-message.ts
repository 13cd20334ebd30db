import { OrlopError } from "@orlop/core";
import { decodeDBusValues } from "./dbus-decode.ts";
import { encodeDBusValues } from "./dbus-encode.ts";
import type { DBusValue, DBusVariant } from "./dbus-value.ts";

/** Message types and header fields, D-Bus specification, "Message Format". */
const DBUS_MESSAGE_TYPES = { call: 1, reply: 2, error: 3, signal: 4 } as const;
type DBusMessageType = keyof typeof DBUS_MESSAGE_TYPES;

const FIELDS = {
  path: { code: 1, signature: "o" },
  interface: { code: 2, signature: "s" },
  member: { code: 3, signature: "s" },
  errorName: { code: 4, signature: "s" },
  replySerial: { code: 5, signature: "u" },
  destination: { code: 6, signature: "s" },
  sender: { code: 7, signature: "s" },
  signature: { code: 8, signature: "g" },
} as const;

const NO_REPLY_EXPECTED = 1;
const PROTOCOL_VERSION = 1;
const LITTLE_ENDIAN = 0x6c;
const BIG_ENDIAN = 0x42;

/** Fixed part: byte order, type, flags, version, u32 body length, u32 serial, u32 length of the header fields. */
const FIXED_BYTES = 16;

/** The specification allows 128 MiB; nothing that systemd or a bus says to us comes near this. */
const DBUS_MESSAGE_BYTES_MAX: number = 16 << 20;

/** One message; fields that its type does not have are undefined. */
export interface DBusMessage {
  readonly type: DBusMessageType;
  /** Not zero; the sender counts. */
  readonly serial: number;
  readonly path?: string | undefined;
  readonly interface?: string | undefined;
  readonly member?: string | undefined;
  readonly errorName?: string | undefined;
  readonly replySerial?: number | undefined;
  readonly destination?: string | undefined;
  readonly sender?: string | undefined;
  /** Of the body; empty for none. */
  readonly signature: string;
  readonly body: readonly DBusValue[];
  /** The receiver of a call is not to answer. */
  readonly noReply?: boolean | undefined;
}

/** Throws OrlopError("invalid") on values that do not fit the signature. */
export function encodeDBusMessage(message: DBusMessage): Uint8Array {
  const body = encodeDBusValues(message.signature, message.body);
  const fields: DBusValue[] = [];
  for (const [name, { code, signature }] of Object.entries(FIELDS)) {
    const value = message[name as keyof typeof FIELDS];
    if (value !== undefined && value !== "") fields.push([code, { signature, value }]);
  }
  const header = encodeDBusValues("yyyyuua(yv)", [
    LITTLE_ENDIAN,
    DBUS_MESSAGE_TYPES[message.type],
    message.noReply ? NO_REPLY_EXPECTED : 0,
    PROTOCOL_VERSION,
    body.length,
    message.serial,
    fields,
  ]);
  const start = align8(header.length);
  const bytes = new Uint8Array(start + body.length);
  bytes.set(header);
  bytes.set(body, start);
  return bytes;
}

/**
 * The length of the message that begins here, or undefined while its fixed part is not there yet. Throws
 * OrlopError("invalid") when no message begins so, OrlopError("exhausted") when it is longer than the limit.
 */
export function dbusMessageLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = isLittleEndian(view.getUint8(0));
  const length = FIXED_BYTES + align8(view.getUint32(12, little)) + view.getUint32(4, little);
  if (length > DBUS_MESSAGE_BYTES_MAX) {
    throw new OrlopError(
      "exhausted",
      `Cannot read D-Bus message: it has ${length} bytes, the limit is ${DBUS_MESSAGE_BYTES_MAX}`,
      {
        operation: "D-Bus",
      },
    );
  }
  return length;
}

/** Reads one whole message. Throws OrlopError("invalid") on bytes that the specification does not allow. */
export function decodeDBusMessage(bytes: Uint8Array): DBusMessage {
  const length = dbusMessageLength(bytes);
  if (length !== bytes.length)
    throw invalid(`it has ${bytes.length} bytes and says ${length ?? "nothing"} of its length`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = isLittleEndian(view.getUint8(0));
  const headerLength = FIXED_BYTES + view.getUint32(12, little);
  const [, typeCode, flags, version, , serial, fields] = decodeDBusValues(
    "yyyyuua(yv)",
    bytes.subarray(0, headerLength),
    little,
  );
  const type = Object.entries(DBUS_MESSAGE_TYPES).find(([, code]) => code === typeCode)?.[0];
  if (type === undefined || version !== PROTOCOL_VERSION || serial === 0)
    throw invalid("its header is not version 1's");
  const header = readFields(fields as readonly (readonly [number, DBusVariant])[]);
  const signature = header.signature ?? "";
  return {
    ...header,
    type: type as DBusMessageType,
    serial: serial as number,
    signature,
    body: decodeDBusValues(signature, bytes.subarray(align8(headerLength)), little),
    noReply: ((flags as number) & NO_REPLY_EXPECTED) !== 0,
  };
}

type HeaderFields = { -readonly [Name in keyof typeof FIELDS]?: DBusMessage[Name] };

/** Fields that we do not know are passed over, as the specification asks. */
function readFields(fields: readonly (readonly [number, DBusVariant])[]): HeaderFields {
  const header: Record<string, DBusValue> = {};
  for (const [code, { signature, value }] of fields) {
    const known = Object.entries(FIELDS).find(([, field]) => field.code === code);
    if (known === undefined) continue;
    if (known[1].signature !== signature) throw invalid(`its header field ${known[0]} has the type "${signature}"`);
    header[known[0]] = value;
  }
  return header as HeaderFields;
}

function isLittleEndian(mark: number): boolean {
  if (mark !== LITTLE_ENDIAN && mark !== BIG_ENDIAN) throw invalid(`no byte order is marked by ${mark}`);
  return mark === LITTLE_ENDIAN;
}

function align8(length: number): number {
  return (length + 7) & ~7;
}

function invalid(what: string): OrlopError {
  return new OrlopError("invalid", `Cannot read D-Bus message: ${what}`, { operation: "D-Bus" });
}
