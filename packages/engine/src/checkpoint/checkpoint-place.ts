import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Endpoint, OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { containerDirectory } from "../state/container-places.ts";
import type { Container } from "../state/container-rows.ts";

/** The name of one that is not named. */
export const PLAIN_CHECKPOINT = "checkpoint";

/** Which checkpoint is meant. */
export interface CheckpointName {
  /** Absent: {@link PLAIN_CHECKPOINT}. */
  readonly name?: string;
  /** Absolute path of the directory that it is in; absent: the container's own, which goes with the container. */
  readonly directory?: string;
}

/** What a container had of a network. */
type KeptEndpoint = Pick<Endpoint, "network" | "addresses" | "hardwareAddress">;

/** What is noted beside the images of the processes. */
export interface CheckpointNote {
  readonly version: typeof VERSION;
  readonly endpoints: readonly KeptEndpoint[];
}

const VERSION = 1;
/** In the directory of the images. */
const NOTE_FILE = "orlop.json";
/** docker's, for names of checkpoints. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Where one checkpoint of a container is. It is there whole or not at all. */
export class CheckpointPlace {
  readonly #container: Pick<Container, "name">;
  readonly #name: string;
  readonly #directory: string;

  /** @throws OrlopError `invalid` for a name that is none */
  constructor(context: EngineContext, container: Pick<Container, "id" | "name">, meant: CheckpointName) {
    this.#container = container;
    this.#name = meant.name ?? PLAIN_CHECKPOINT;
    this.#directory = meant.directory ?? directoryOf(context, container.id);
    if (!NAME.test(this.#name)) {
      throw new OrlopError(
        "invalid",
        `Cannot use checkpoint name "${this.#name}": there are letters, digits, ".", "_", "-" in names`,
      );
    }
  }

  /** Of the images. */
  get path(): string {
    return join(this.#directory, this.#name);
  }

  get exists(): boolean {
    return existsSync(join(this.path, NOTE_FILE));
  }

  /** An empty directory for images that are being written. */
  begin(): string {
    const path = join(this.#directory, `.${this.#name}.new`);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  /** Makes what was written the checkpoint of this name, instead of what was there before. */
  finish(written: string, endpoints: readonly Endpoint[]): void {
    const note: CheckpointNote = {
      version: VERSION,
      endpoints: endpoints.map(({ network, addresses, hardwareAddress }) => ({ network, addresses, hardwareAddress })),
    };
    writeFileSync(join(written, NOTE_FILE), JSON.stringify(note), { mode: 0o600 });
    this.remove();
    renameSync(written, this.path);
  }

  /** @throws OrlopError `not-found`; `invalid` for what is none of ours, or of a newer orlop */
  read(): CheckpointNote {
    let text: string;
    try {
      text = readFileSync(join(this.path, NOTE_FILE), "utf8");
    } catch (cause) {
      throw new OrlopError(
        "not-found",
        `Cannot find checkpoint "${this.#name}" of container "${this.#container.name}"`,
        {
          cause,
        },
      );
    }
    const note = parse(text);
    if (note !== undefined) return note;
    throw new OrlopError(
      "invalid",
      `Cannot read checkpoint "${this.path}": its ${NOTE_FILE} is damaged, or of a newer orlop`,
    );
  }

  /** Leaves nothing of images that were not finished. */
  discard(written: string): void {
    rmSync(written, { recursive: true, force: true });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Names of the checkpoints that there are, in order. */
export function checkpointNames(
  context: EngineContext,
  id: string,
  directory: string = directoryOf(context, id),
): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => NAME.test(name) && existsSync(join(directory, name, NOTE_FILE)))
    .sort();
}

/** Where CRIU tells what it does. */
export function logDirectory(context: EngineContext, id: string): string {
  return join(containerDirectory(context, id), "criu");
}

function directoryOf(context: EngineContext, id: string): string {
  return join(containerDirectory(context, id), "checkpoints");
}

function parse(text: string): CheckpointNote | undefined {
  let note: unknown;
  try {
    note = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof note !== "object" || note === null || !("version" in note) || note.version !== VERSION) return undefined;
  if (!("endpoints" in note) || !Array.isArray(note.endpoints) || !note.endpoints.every(isKeptEndpoint))
    return undefined;
  return { version: VERSION, endpoints: note.endpoints };
}

function isKeptEndpoint(value: unknown): value is KeptEndpoint {
  if (typeof value !== "object" || value === null) return false;
  const { network, addresses, hardwareAddress } = value as Partial<Record<keyof KeptEndpoint, unknown>>;
  const isText = (each: unknown): each is string => typeof each === "string";
  return isText(network) && isText(hardwareAddress) && Array.isArray(addresses) && addresses.every(isText);
}
