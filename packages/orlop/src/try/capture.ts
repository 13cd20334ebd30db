import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { type CapturedPart, CapturedWrites } from "@orlop/snapshot";
import { ownDataDirectory } from "../store/data-directory.ts";

/** Of what is in capture.json: one of another version is not read. */
const VERSION = 1;
const RECORD = "capture.json";

/** What a command has written, apart from the files that it saw. */
export interface Capture {
  readonly directory: string;
  readonly command: readonly string[];
  readonly startedAtMs: number;
  /** What has changed since, by the times of inodes, is somebody else's. */
  readonly sinceNs: bigint;
  /** `upper` is relative to the directory. */
  readonly parts: readonly CapturedPart[];
}

/** One that stays until it is committed or removed. */
export interface KeptCapture extends Capture {
  readonly id: string;
}

/** Directories of this kind belong to a process, and to nobody when that is gone. */
export const LIVE_CAPTURE = "live";

export function capturesDirectory(): string {
  return join(ownDataDirectory(), "captures");
}

export function openWrites({ directory, parts }: Capture): CapturedWrites {
  const absolute = parts.map((part) => ({ ...part, upper: join(directory, part.upper) }));
  return new CapturedWrites(absolute, join(directory, `scratch-${process.pid}`));
}

export function writeCapture({ directory, command, startedAtMs, sinceNs, parts }: Capture): void {
  const record = { version: VERSION, command, startedAtMs, sinceNs: String(sinceNs), parts };
  writeFileSync(join(directory, RECORD), JSON.stringify(record), { mode: 0o600, flush: true });
}

/** Those that are kept, the oldest first. */
export function listCaptures(): readonly KeptCapture[] {
  const ids = namesIn(capturesDirectory()).filter((name) => /^[0-9a-f]{12}$/.test(name));
  return ids.flatMap((id) => readCapture(id) ?? []).sort((a, b) => a.startedAtMs - b.startedAtMs);
}

/** @throws OrlopError `not-found`, `invalid` where several begin so */
export function findCapture(text: string): KeptCapture {
  const [found, ...others] = listCaptures().filter(({ id }) => text !== "" && id.startsWith(text));
  if (found === undefined) throw new OrlopError("not-found", `Cannot find capture "${text}": there is none of this id`);
  if (others.length === 0) return found;
  throw new OrlopError("invalid", `Cannot find capture "${text}": ${others.length + 1} ids begin so`);
}

function namesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

function readCapture(id: string): KeptCapture | undefined {
  const directory = join(capturesDirectory(), id);
  const path = join(directory, RECORD);
  // Removed meanwhile, or half of it.
  if (!existsSync(path)) return undefined;
  const { version, command, startedAtMs, sinceNs, parts } = JSON.parse(readFileSync(path, "utf8"));
  if (version !== VERSION) return undefined;
  return { id, directory, command, startedAtMs, sinceNs: BigInt(sinceNs), parts };
}
