import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import type { MountEntry } from "../process/mount-table.ts";

/** What the standard descriptors of a dumped init were, in its images: a JSON array of three, as runc and crun keep it. */
const STREAMS_FILE = "descriptors.json";

/**
 * One is a pipe's name; CRIU's name of a file that lies outside, with a colon and its path behind it; or anything else, which a
 * restore need not know.
 */
type StandardStreams = readonly string[];

const OUTSIDE = /^(file\[[^\]]*\]):(.*)$/s;

/** Where the standard descriptors of an init may be found, beside the place where they were put. */
interface StreamSources {
  /** The paths that they were opened by; empty for one that was given. */
  readonly opened?: readonly string[];
  /** All processes of the container. */
  readonly pids?: readonly number[];
}

/**
 * What the standard descriptors of a process are. A file on none of the container's mounts (the host's /dev/null, a log
 * of the caller's) is named as CRIU has to be told of it, in its `external`.
 *
 * A shell that reads from or writes to something else for a while has its own ones under other numbers meanwhile: what was
 * opened for the container is looked for among all that its processes have open.
 */
export function standardStreams(
  pid: number,
  container: readonly MountEntry[],
  { opened = [], pids = [] }: StreamSources = {},
): StandardStreams {
  const mounts = new Set(container.map(({ id }) => id));
  return [0, 1, 2].map((fd) => {
    const stream = streamAt(pid, fd, mounts);
    const path = opened[fd] ?? "";
    if (path === "" || OUTSIDE.exec(stream)?.[2] === path) return stream;
    return findStream([pid, ...pids], mounts, path) ?? (stream.startsWith("pipe:") ? "" : stream);
  });
}

function findStream(pids: readonly number[], mounts: ReadonlySet<number>, path: string): string | undefined {
  const real = realPath(path);
  for (const pid of pids) {
    for (const fd of openDescriptors(pid)) {
      const stream = streamAt(pid, fd, mounts);
      if (OUTSIDE.exec(stream)?.[2] === real) return stream;
    }
  }
  return undefined;
}

function streamAt(pid: number, fd: number, mounts: ReadonlySet<number>): string {
  try {
    const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    const [, mount] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8")) ?? [];
    if (!target.startsWith("/") || mounts.has(Number(mount))) return target;
    const { ino } = statSync(`/proc/${pid}/fd/${fd}`);
    return `file[${Number(mount).toString(16)}:${ino.toString(16)}]:${target}`;
  } catch {
    // Closed.
    return "";
  }
}

function openDescriptors(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(Number);
  } catch {
    // It has ended.
    return [];
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Removed since.
    return path;
  }
}

/** CRIU's names of those that it has to be told of when it dumps. */
export function outsideStreams(streams: StandardStreams): readonly string[] {
  return [...new Set(streams.flatMap((stream) => OUTSIDE.exec(stream)?.[1] ?? []))];
}

interface InheritedStream {
  readonly key: string;
  /** The caller's descriptor that takes its place; absent: the null device, which it was. */
  readonly fd?: number;
}

/** Those that have to be given to CRIU when it restores. A file has to be one again, with the mode that it had. */
export function inheritedStreams(streams: StandardStreams): readonly InheritedStream[] {
  const inherited = streams.flatMap((stream, fd): readonly InheritedStream[] => {
    const [, key = "", path] = OUTSIDE.exec(stream) ?? [];
    if (path === "/dev/null") return [{ key }];
    if (path !== undefined) return [{ key, fd }];
    return stream.startsWith("pipe:") ? [{ key: stream, fd }] : [];
  });
  // CRIU takes the first of a name, and would find a descriptor that it has been given twice closed.
  return inherited.filter(({ key }, index) => inherited.findIndex((other) => other.key === key) === index);
}

export function keepStreams(imagePath: string, streams: StandardStreams): void {
  writeFileSync(join(imagePath, STREAMS_FILE), JSON.stringify(streams), { mode: 0o600 });
}

/** @throws OrlopError `not-found` where there is no checkpoint, `invalid` for a damaged one */
export function keptStreams(imagePath: string): StandardStreams {
  let text: string;
  try {
    text = readFileSync(join(imagePath, STREAMS_FILE), "utf8");
  } catch (cause) {
    throw new OrlopError(
      "not-found",
      `Cannot read checkpoint "${imagePath}": it has no ${STREAMS_FILE}: no such file or directory`,
      { cause },
    );
  }
  let streams: unknown;
  try {
    streams = JSON.parse(text);
  } catch {
    // What is not JSON is not what is wanted either.
  }
  if (Array.isArray(streams) && streams.every((stream) => typeof stream === "string")) return streams;
  throw new OrlopError("invalid", `Cannot read checkpoint "${imagePath}": its ${STREAMS_FILE} is damaged`);
}
