import { mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseOwnJson, stringifyJson } from "@orlop/core";
import type { ContainerDescription } from "@orlop/engine";
import { isMarkAlive } from "@orlop/kernel";
import { callerMark } from "../caller/caller-mark.ts";

/** Of what is in markers: one of another version is not read. */
const MARKER_VERSION = 1;

/** What a marker holds. */
interface MarkedContainer extends ContainerDescription {
  readonly markerVersion: number;
  /** Directory of the images and containers that it belongs to. */
  readonly depot: string;
}

/**
 * Notes that this process looks after a container, so that others find it, and a later one can clean up if it does not come to
 * do so itself.
 */
export class RunMarker implements Disposable {
  readonly #path: string;

  /** @param description without a name, it is for cleaning up alone: no list shows the container */
  constructor(
    stateDirectory: string,
    depot: string,
    description: Pick<ContainerDescription, "id" | "runtime"> & Partial<ContainerDescription>,
  ) {
    const directory = markerDirectory(stateDirectory);
    this.#path = join(directory, `${callerMark()}-${description.id}`);
    const marked: Orphan = { ...description, markerVersion: MARKER_VERSION, depot };
    const write = (): void => writeFileSync(this.#path, stringifyJson(marked), { flag: "wx", mode: 0o600 });
    try {
      write();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      write();
    }
  }

  /** By unlink alone: somebody waits for it, and `rmSync` looks twice what there is before. */
  [Symbol.dispose](): void {
    try {
      unlinkSync(this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

/** What is known of a container whose `run` has died. */
export type Orphan = Pick<MarkedContainer, "runtime"> & Partial<MarkedContainer>;

/**
 * Hands each container whose `run` has died to `remove`, and forgets it then.
 *
 * @param isOrphaned whether the process of a mark has died
 */
export async function removeOrphans(
  stateDirectory: string,
  remove: (id: string, orphan: Orphan) => Promise<void>,
  isOrphaned: (mark: string) => boolean = (mark) => !isMarkAlive(mark),
): Promise<void> {
  for (const { path, mark, id } of listMarkers(stateDirectory)) {
    if (!isOrphaned(mark)) continue;
    const text = readMarker(path);
    // What died between making the marker and filling it in has made no container.
    if (text !== undefined) await remove(id, parseDescription(text) ?? { runtime: "process" });
    rmSync(path, { force: true });
  }
}

/** Containers of a depot that somebody looks after now. */
export function listRunning(stateDirectory: string, depot: string): readonly ContainerDescription[] {
  return listMarkers(stateDirectory).flatMap(({ path, mark }) => {
    const description = isMarkAlive(mark) ? parseDescription(readMarker(path) ?? "") : undefined;
    if (description?.markerVersion !== MARKER_VERSION || description.depot !== depot) return [];
    if (description.name === undefined) return [];
    const { markerVersion: _version, depot: _depot, ...own } = description as MarkedContainer;
    return [own];
  });
}

interface Marker {
  readonly path: string;
  /** Of the process that looks after it. */
  readonly mark: string;
  readonly id: string;
}

function listMarkers(stateDirectory: string): readonly Marker[] {
  const directory = markerDirectory(stateDirectory);
  return readNames(directory).map((name) => {
    const dash = name.indexOf("-");
    return { path: join(directory, name), mark: name.slice(0, dash), id: name.slice(dash + 1) };
  });
}

function readNames(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Undefined when the container has gone meanwhile. */
function readMarker(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Undefined for what has not been written to its end. */
function parseDescription(text: string): Orphan | undefined {
  try {
    return parseOwnJson(text) as Orphan;
  } catch {
    return undefined;
  }
}

function markerDirectory(stateDirectory: string): string {
  return join(stateDirectory, "runs");
}
