import { OrlopError } from "@orlop/core";
import { withoutOverlays } from "../layer/overlay-xattrs.ts";
import { alignUp, XATTR_ENTRY, XATTR_HEADER_BYTES, XATTR_PREFIXES, XATTR_UNIT_BYTES } from "./erofs-format.ts";

const NAME_MAX_BYTES = 255;
const VALUE_MAX_BYTES = 65_535;
/** i_xattr_icount has 16 bits and counts units. */
const ALL_MAX_BYTES = 65_535 * XATTR_UNIT_BYTES;

/**
 * The extended attributes of an inode as they stand behind it, empty without any. Those of overlay are left out: only
 * whiteouts of the layer become such. Throws `unsupported` for what EROFS has no place for; `path` is for the error.
 */
export function encodeXattrs(xattrs: ReadonlyMap<string, Buffer>, path: string): Buffer {
  if (xattrs.size === 0) return EMPTY;
  const kept = withoutOverlays(xattrs);
  return kept.size === 0 ? EMPTY : encode([...kept], path);
}

/** Behind a directory that hides what the layers below have in it (overlayfs.rst, "whiteouts and opaque directories"). */
export function encodeOpaque(xattrs: ReadonlyMap<string, Buffer>, path: string): Buffer {
  return encode([...withoutOverlays(xattrs), ["trusted.overlay.opaque", Buffer.from("y")]], path);
}

const EMPTY: Buffer = Buffer.alloc(0);

function encode(xattrs: readonly (readonly [string, Buffer])[], path: string): Buffer {
  const entries = xattrs.flatMap(([name, value]) => encodeEntry(name, value, path));
  if (entries.length === 0) return EMPTY;
  const all = Buffer.concat([Buffer.alloc(XATTR_HEADER_BYTES), ...entries]);
  if (all.length > ALL_MAX_BYTES) throw unsupported(path, `its attributes have ${all.length} bytes`);
  return all;
}

/** Nothing for names that Linux has no namespace for, such as those of other systems: no file here could have them. */
function encodeEntry(name: string, value: Buffer, path: string): readonly Buffer[] {
  const [prefix, index] = XATTR_PREFIXES.find(([start]) => name.startsWith(start)) ?? [];
  if (prefix === undefined || index === undefined) return [];
  const rest = Buffer.from(name.slice(prefix.length));
  if (rest.length > NAME_MAX_BYTES) throw unsupported(path, "an attribute's name is too long");
  if (value.length > VALUE_MAX_BYTES) throw unsupported(path, `attribute "${name}" has ${value.length} bytes`);
  const used = XATTR_ENTRY.sizeBytes + rest.length + value.length;
  const entry = Buffer.alloc(alignUp(used, XATTR_UNIT_BYTES));
  XATTR_ENTRY.put(entry, 0, { e_name_len: rest.length, e_name_index: index, e_value_size: value.length });
  rest.copy(entry, XATTR_ENTRY.sizeBytes);
  value.copy(entry, XATTR_ENTRY.sizeBytes + rest.length);
  return [entry];
}

function unsupported(path: string, what: string): OrlopError {
  return new OrlopError("unsupported", `Cannot put "${path}" into an EROFS image: ${what}`);
}
