import { refusedFile } from "./debian-error.ts";

const MAGIC = "!<arch>\n";
const HEADER_BYTES = 60;
/** ar(5): offsets and lengths in a header. */
const FIELDS = { name: [0, 16], size: [48, 10], end: [58, 2] } as const;
const END = "`\n";
/** deb(5) has three, and others may come behind them. */
const MEMBERS_MAX = 16;

export interface ArMember {
  readonly name: string;
  readonly content: Buffer;
}

/**
 * The members of an archive of ar, in the plain form that deb(5) allows: names of up to 16 characters. `name` is for
 * errors.
 *
 * @throws OrlopError `invalid`
 */
export function readAr(bytes: Buffer, name: string): readonly ArMember[] {
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) throw refusedFile(name, "it is no archive of ar");
  const members: ArMember[] = [];
  for (let at = MAGIC.length; at < bytes.length; ) {
    if (members.length >= MEMBERS_MAX) throw refusedFile(name, `it has more than ${MEMBERS_MAX} members`);
    const header = bytes.subarray(at, at + HEADER_BYTES);
    if (header.length < HEADER_BYTES || field(header, "end") !== END) throw refusedFile(name, "a header is broken");
    const digits = field(header, "size").trim();
    const begin = at + HEADER_BYTES;
    const end = begin + (/^\d{1,10}$/.test(digits) ? Number(digits) : Number.NaN);
    if (!(end <= bytes.length)) throw refusedFile(name, "a member is longer than the archive");
    // GNU's ar ends names with a slash.
    const member = field(header, "name").trimEnd().replace(/\/$/, "");
    members.push({ name: member, content: bytes.subarray(begin, end) });
    // Members begin at even offsets.
    at = end + (end % 2);
  }
  return members;
}

function field(header: Buffer, name: keyof typeof FIELDS): string {
  const [offset, length] = FIELDS[name];
  return header.toString("latin1", offset, offset + length);
}
