import { type DnsName, decodeName, encodeName, malformed } from "./dns-name.ts";

/** Numbers of IANA's registry "Domain Name System (DNS) Parameters". */
export const DNS_TYPES = {
  A: 1,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  AAAA: 28,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;
export const DNS_CLASS_IN = 1;
export const DNS_CODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
export type DnsCode = (typeof DNS_CODES)[keyof typeof DNS_CODES];

const DNS_HEADER_BYTES = 12;
/** What everybody takes by UDP. RFC 1035, section 2.3.4. */
const UDP_BYTES = 512;
/** No more than fits into one frame of any network. RFC 9715. */
export const UDP_MAX_BYTES = 1232;

const FLAGS = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200, recursionDesired: 0x0100 } as const;
const RECURSION_AVAILABLE = 0x0080;
const OPCODE = 0x7800;
/** In the field that other records have their time to live in. RFC 6891, section 6.1.3. */
const DNSSEC_OK = 0x8000;
/** One points to what begins behind the header: the question's name. */
const TO_QUESTION = Buffer.of(0xc0, DNS_HEADER_BYTES);

export interface DnsQuestion {
  readonly name: DnsName;
  readonly type: number;
  readonly class: number;
}

export interface DnsRecord {
  readonly name: DnsName;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly data: Buffer;
}

/** What somebody asks. */
export interface DnsQuery {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly question: DnsQuestion;
  /** RFC 6891; absent: it is not spoken. */
  readonly extension?: { readonly udpBytes: number; readonly dnssecOk: boolean };
}

/** Why a query gets no answer but a code. */
interface BadQuery {
  readonly id: number;
  readonly code: DnsCode;
}

/** Undefined for what deserves no answer at all: it is none of a client's, and an answer could go on for ever. */
export function decodeQuery(message: Buffer): DnsQuery | BadQuery | undefined {
  if (message.length < DNS_HEADER_BYTES) return undefined;
  const [id, flags] = [message.readUInt16BE(0), message.readUInt16BE(2)];
  if ((flags & FLAGS.response) !== 0) return undefined;
  if ((flags & OPCODE) !== 0) return { id, code: DNS_CODES.NOTIMP };
  try {
    if (message.readUInt16BE(4) !== 1) throw malformed("it has not one question");
    const { question, end } = decodeQuestion(message);
    const extension = decodeExtension(message, end);
    const recursionDesired = (flags & FLAGS.recursionDesired) !== 0;
    return { id, recursionDesired, question, ...(extension === undefined ? {} : { extension }) };
  } catch {
    return { id, code: DNS_CODES.FORMERR };
  }
}

function decodeQuestion(message: Buffer): { readonly question: DnsQuestion; readonly end: number } {
  const { name, end } = decodeName(message, DNS_HEADER_BYTES);
  if (end + 4 > message.length) throw malformed("its question is cut off");
  const question = { name, type: message.readUInt16BE(end), class: message.readUInt16BE(end + 2) };
  return { question, end: end + 4 };
}

function decodeExtension(message: Buffer, offset: number): DnsQuery["extension"] {
  const count = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  let found: DnsQuery["extension"];
  for (let at = offset, index = 0; index < count; index++) {
    const record = decodeRecord(message, at);
    if (record.type === DNS_TYPES.OPT) {
      if (found !== undefined) throw malformed("it has two extensions");
      found = { udpBytes: record.class, dnssecOk: (record.ttlSeconds & DNSSEC_OK) !== 0 };
    }
    at = record.end;
  }
  return found;
}

function decodeRecord(
  message: Buffer,
  offset: number,
): DnsRecord & { readonly class: number; readonly dataOffset: number; readonly end: number } {
  const { name, end: at } = decodeName(message, offset);
  if (at + 10 > message.length) throw malformed("a record is cut off");
  const end = at + 10 + message.readUInt16BE(at + 8);
  if (end > message.length) throw malformed("the data of a record are cut off");
  return {
    name,
    type: message.readUInt16BE(at),
    class: message.readUInt16BE(at + 2),
    ttlSeconds: message.readUInt32BE(at + 4),
    dataOffset: at + 10,
    data: message.subarray(at + 10, end),
    end,
  };
}

/** How long an answer to it may be. */
export function answerMaxBytes({ extension }: DnsQuery): number {
  return Math.min(Math.max(extension?.udpBytes ?? 0, UDP_BYTES), UDP_MAX_BYTES);
}

/** The same question, with an id of our own, for another server. */
export function encodeQuery({ id, question, extension }: Omit<DnsQuery, "recursionDesired">): Buffer {
  const header = encodeHeader(id, FLAGS.recursionDesired, [1, 0, 0, extension === undefined ? 0 : 1]);
  return Buffer.concat([header, encodeQuestion(question), ...extensionRecords(extension)]);
}

export interface DnsAnswer {
  readonly code: DnsCode;
  /** We know it ourselves. */
  readonly authoritative?: boolean;
  readonly answers?: readonly DnsRecord[];
  readonly authority?: readonly DnsRecord[];
}

/** An answer; where it is longer than `maxBytes`, one that tells so. */
export function encodeAnswer(query: DnsQuery, answer: DnsAnswer, maxBytes: number): Buffer {
  const { code, authoritative = false, answers = [], authority = [] } = answer;
  const extension = query.extension === undefined ? undefined : { udpBytes: UDP_MAX_BYTES, dnssecOk: false };
  const encode = (flags: number, given: readonly DnsRecord[], about: readonly DnsRecord[]): Buffer => {
    const counts = [1, given.length, about.length, extension === undefined ? 0 : 1] as const;
    const all = FLAGS.response | RECURSION_AVAILABLE | flags | (authoritative ? FLAGS.authoritative : 0) | code;
    const header = encodeHeader(query.id, all | (query.recursionDesired ? FLAGS.recursionDesired : 0), counts);
    const records = [...given, ...about].map((record) => encodeRecord(record, query.question.name));
    return Buffer.concat([header, encodeQuestion(query.question), ...records, ...extensionRecords(extension)]);
  };
  const whole = encode(0, answers, authority);
  return whole.length <= maxBytes ? whole : encode(FLAGS.truncated, [], []);
}

/** A code alone, without the question, which may not have been understood. */
export function encodeRefusal({ id, code }: BadQuery): Buffer {
  return encodeHeader(id, FLAGS.response | RECURSION_AVAILABLE | code, [0, 0, 0, 0]);
}

function encodeHeader(id: number, flags: number, counts: readonly [number, number, number, number]): Buffer {
  const header = Buffer.alloc(DNS_HEADER_BYTES);
  for (const [index, value] of [id, flags, ...counts].entries()) header.writeUInt16BE(value, index * 2);
  return header;
}

function encodeQuestion({ name, type, class: kind }: DnsQuestion): Buffer {
  return Buffer.concat([encodeName(name), words(type, kind)]);
}

function encodeRecord({ name, type, ttlSeconds, data }: DnsRecord, asked: DnsName): Buffer {
  const isAsked = name.length === asked.length && name.every((label, index) => label === asked[index]);
  const time = Buffer.alloc(4);
  time.writeUInt32BE(ttlSeconds);
  return Buffer.concat([
    isAsked ? TO_QUESTION : encodeName(name),
    words(type, DNS_CLASS_IN),
    time,
    words(data.length),
    data,
  ]);
}

function extensionRecords(extension: DnsQuery["extension"]): readonly Buffer[] {
  if (extension === undefined) return [];
  const { udpBytes, dnssecOk } = extension;
  return [Buffer.of(0), words(DNS_TYPES.OPT, udpBytes, 0, dnssecOk ? DNSSEC_OK : 0, 0)];
}

function words(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) buffer.writeUInt16BE(value, index * 2);
  return buffer;
}

/** What another server has answered. */
export interface DnsResponse {
  readonly id: number;
  readonly question: DnsQuestion;
  readonly isTruncated: boolean;
  readonly answers: readonly DnsRecord[];
}

/** @throws OrlopError `invalid` */
export function decodeResponse(message: Buffer): DnsResponse {
  if (message.length < DNS_HEADER_BYTES) throw malformed("its header is cut off");
  const flags = message.readUInt16BE(2);
  if ((flags & FLAGS.response) === 0) throw malformed("it is no answer");
  if (message.readUInt16BE(4) !== 1) throw malformed("it has not one question");
  const { question, end } = decodeQuestion(message);
  const answers: DnsRecord[] = [];
  for (let at = end, left = message.readUInt16BE(6); left > 0; left--) {
    const record = decodeRecord(message, at);
    at = record.end;
    if (record.class !== DNS_CLASS_IN) continue;
    const { name, type, ttlSeconds, data } = record;
    // What it points to is in the message, and not in the record.
    const whole = type === DNS_TYPES.CNAME ? encodeName(decodeName(message, record.dataOffset).name) : data;
    answers.push({ name, type, ttlSeconds, data: whole });
  }
  return { id: message.readUInt16BE(0), question, isTruncated: (flags & FLAGS.truncated) !== 0, answers };
}

/** The same answer under another id. */
export function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** Whether it is the same, whatever letters are capital. */
export function isSameQuestion(a: DnsQuestion, b: DnsQuestion): boolean {
  const text = ({ name }: DnsQuestion): string => JSON.stringify(name).toLowerCase();
  return a.type === b.type && a.class === b.class && text(a) === text(b);
}
