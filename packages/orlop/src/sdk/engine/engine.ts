import { OrlopError } from "@orlop/core";
import type { EngineEvent } from "@orlop/engine";
import type { EngineContainers } from "./engine-containers.ts";
import type { EngineImages } from "./engine-images.ts";
import type { EngineNetworks } from "./engine-networks.ts";
import type { EngineVolumes } from "./engine-volumes.ts";
import type { EngineParts } from "./open-parts.ts";

/** From when to when {@link Engine.events} tells. */
export interface EngineEventOptions {
  /** Unix time in milliseconds. Absent: from now on. */
  readonly sinceMs?: number;
  /** Absent: until the signal. */
  readonly untilMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * What the command `orlop` works with, for programs: containers that stay, images, networks and volumes of this user. There is
 * no daemon behind it; what one process does, every other sees.
 *
 * ```ts
 * await using engine = await Engine.open();
 * const { id } = await engine.containers.create({ image: "debian:bookworm", command: ["date"] });
 * await engine.containers.start(id);
 * ```
 *
 * Containers outlive its disposal, which closes what it has open and nothing else.
 */
export class Engine implements AsyncDisposable {
  readonly containers: EngineContainers;
  readonly images: EngineImages;
  readonly networks: EngineNetworks;
  readonly volumes: EngineVolumes;
  readonly #parts: EngineParts;

  private constructor(parts: EngineParts) {
    this.#parts = parts;
    this.containers = parts.containers;
    this.images = parts.images;
    this.networks = parts.networks;
    this.volumes = parts.volumes;
  }

  /** Opens this user's, which is made where it is not there (`ORLOP_ROOT` names another place for it). @throws OrlopError */
  static async open(): Promise<Engine> {
    // Loaded no sooner: who makes sandboxes alone has no use for it.
    const { openParts } = await import("./open-parts.ts");
    return new Engine(openParts());
  }

  /** What happens to containers and volumes, whichever process does it, in order. */
  events(options: EngineEventOptions = {}): AsyncIterable<EngineEvent> {
    return this.#parts.events(options);
  }

  /**
   * Where programs that speak Docker's API would find it.
   *
   * @throws OrlopError `unsupported`: there is no server of that API yet
   */
  get dockerHost(): string {
    const what = "there is no server of Docker's API yet";
    throw new OrlopError(
      "unsupported",
      `Cannot give address for Docker's clients: ${what}\nTry this engine's methods.`,
    );
  }

  /** Closes what it has open. Containers go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.stack.disposeAsync();
  }
}
