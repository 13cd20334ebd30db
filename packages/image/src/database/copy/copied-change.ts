import type { SQLInputValue } from "node:sqlite";
import { crc32 } from "./crc32.ts";

/** SQL and the values for it; without values it may be several statements. */
export type CopiedStatement = readonly [sql: string, ...values: SQLInputValue[]];

/** What one transaction has changed. */
export interface CopiedChange {
  /** The database's number of changes with it. */
  readonly number: number;
  /** Of the last change up to this one that a power cut does not undo. */
  readonly durable: number;
  readonly statements: readonly CopiedStatement[];
}

/** The end of a line, which tells where the copy stands without a look at all of it. */
const END = /\t([0-9a-f]{8})\t(\d+)\t(\d+)\n$/;

/** So much holds the end of any line. */
export const LINE_END_MAX = 40;

/** One line: the statements as JSON, a checksum, and the two numbers. */
export function encodeChange({ number, durable, statements }: CopiedChange): Buffer {
  const text = JSON.stringify(statements.map(([sql, ...values]) => [sql, ...values.map(encodeValue)]));
  return Buffer.from(`${text}\t${checksum(text)}\t${number}\t${durable}\n`);
}

/** Undefined for what is no end of a line. */
export function readLineEnd(text: string): Pick<CopiedChange, "number" | "durable"> | undefined {
  const found = END.exec(text);
  return found === null ? undefined : { number: Number(found[2]), durable: Number(found[3]) };
}

/** Undefined for a line that is not what was written. @param line with its end */
export function decodeChange(line: string): CopiedChange | undefined {
  const found = END.exec(line);
  const text = line.slice(0, found?.index);
  if (found === null || found[1] !== checksum(text)) return undefined;
  const statements = (JSON.parse(text) as unknown[][]).map(
    ([sql, ...values]) => [String(sql), ...values.map(decodeValue)] as const,
  );
  return { number: Number(found[2]), durable: Number(found[3]), statements };
}

function checksum(text: string): string {
  return crc32(Buffer.from(text)).toString(16).padStart(8, "0");
}

function encodeValue(value: SQLInputValue): unknown {
  if (typeof value === "bigint") return { integer: `${value}` };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
  return value;
}

function decodeValue(value: unknown): SQLInputValue {
  if (typeof value !== "object" || value === null) return value as SQLInputValue;
  const { integer, bytes } = value as { readonly integer?: string; readonly bytes?: string };
  return integer === undefined ? Buffer.from(bytes ?? "", "base64") : BigInt(integer);
}
