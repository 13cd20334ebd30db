import { mkdirSync, rmSync } from "node:fs";
import { generateId, OrlopError } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import type { EngineContext } from "../engine-context.ts";
import { isActive } from "../life/container-status.ts";
import { randomName } from "../life/random-name.ts";
import type { RemoveOptions } from "../life/remove-container.ts";
import { dependentsOf } from "../life/requirements.ts";
import type { StopOptions } from "../life/stop-container.ts";
import type { Container } from "../state/container-rows.ts";
import { findPod } from "./find-pod.ts";
import { endPod, holdPod, releasePod, savePod, settlePod } from "./hold-pod.ts";
import type { Pod, PodDescription } from "./pod-description.ts";
import { podEvent } from "./pod-event.ts";
import { lockPod, podDirectory, tryLockPod } from "./pod-places.ts";
import { phaseAfter } from "./pod-status.ts";
import { startMembers } from "./start-members.ts";
import { sweepUnmadePods } from "./sweep-unmade-pods.ts";
import { withMembers } from "./with-members.ts";

/** What a new pod is to be, once its id and name are settled. */
export type NewPod = Omit<PodDescription, "id" | "name" | "createdAtMs">;

/** What `create` hands to who makes a pod. */
export interface PodDraft {
  readonly id: string;
  readonly name: string;
  /** For files of the pod's own; it goes when the pod does. */
  readonly directory: string;
}

/** What pods need of the engine: what is done with containers one by one. */
export interface PodContainers {
  list(): Promise<readonly Container[]>;
  start(text: string): Promise<unknown>;
  stop(text: string, options?: StopOptions): Promise<unknown>;
  signal(text: string, signal: number): Promise<void>;
  pause(text: string): Promise<unknown>;
  resume(text: string): Promise<unknown>;
  remove(text: string, options?: RemoveOptions): Promise<unknown>;
  wait(text: string): Promise<number>;
}

/** A pod with its containers, those made first first. */
export interface PodWithMembers {
  readonly pod: Pod;
  readonly members: readonly Container[];
}

/**
 * The pods of an engine: what several containers share, and what is done with all of them.
 *
 * What is shared is there from the start of the pod, or of the first of its containers, until the pod is stopped; no process
 * of a container's has to hold it. Who makes or ends it holds the pod's lock; a container is changed under its own.
 */
export class Pods {
  readonly #context: EngineContext;
  readonly #engine: PodContainers;

  constructor(context: EngineContext, engine: PodContainers) {
    this.#context = context;
    this.#engine = engine;
  }

  /**
   * Makes a pod of which nothing is shared yet.
   *
   * @param name absent: one is made up
   * @throws OrlopError `conflict` for a name that is taken
   */
  async create(name: string | undefined, make: (draft: PodDraft) => Promise<NewPod>): Promise<Pod> {
    const { database, podRows, events } = this.#context;
    if (name !== undefined) this.#refuseTaken(name);
    sweepUnmadePods(this.#context);
    const id = generateId(randomBytes);
    using _lock = await lockPod(this.#context, id);
    const directory = podDirectory(this.#context, id);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    try {
      const chosen = name ?? this.#freeName();
      const made = await make({ id, name: chosen, directory });
      return database.transaction(() => {
        this.#refuseTaken(chosen);
        podRows.insert({ ...made, id, name: chosen, createdAtMs: Date.now() });
        const pod = podRows.get(id) as Pod;
        events.add(podEvent(pod, "create"));
        return pod;
      });
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** All of them with their containers, those made last first. */
  async list(): Promise<readonly PodWithMembers[]> {
    const containers = await this.#engine.list();
    const pods: PodWithMembers[] = [];
    for (const { id } of this.#context.podRows.list()) {
      const pod = await this.#settle(id);
      if (pod !== undefined) pods.push({ pod, members: membersOf(pod, containers) });
    }
    return pods;
  }

  /** @throws OrlopError `not-found`; `conflict` for the beginning of several ids */
  async find(text: string): Promise<PodWithMembers> {
    const { id, name } = findPod(this.#context, text);
    const containers = await this.#engine.list();
    const pod = await this.#settle(id);
    if (pod === undefined) throw new OrlopError("not-found", `Cannot find pod "${name}": it was removed`);
    return { pod, members: membersOf(pod, containers) };
  }

  exists(text: string): boolean {
    try {
      findPod(this.#context, text);
      return true;
    } catch (error) {
      if (error instanceof OrlopError && error.code === "not-found") return false;
      throw error;
    }
  }

  /** Starts what of it does not run. @throws OrlopError for containers that could not be started, when all were tried */
  async start(text: string): Promise<Pod> {
    const { pod, members } = await this.find(text);
    await holdPod(this.#context, pod.id);
    await startMembers(pod.name, members, this.#engine);
    return pod;
  }

  /** Ends all of its containers, and what they share. */
  async stop(text: string, options: StopOptions = {}): Promise<Pod> {
    const { pod, members } = await this.find(text);
    await withMembers("stop", pod.name, members, ({ id }) => this.#engine.stop(id, options));
    using _lock = await lockPod(this.#context, pod.id);
    const now = this.#context.podRows.get(pod.id);
    return now === undefined ? pod : await releasePod(this.#context, now);
  }

  /** To the first process of each container that runs. */
  async signal(text: string, signal: number): Promise<Pod> {
    const { pod, members } = await this.find(text);
    await withMembers("kill", pod.name, members.filter(isUnderWay), ({ id }) => this.#engine.signal(id, signal));
    return pod;
  }

  /** Those that run stand still. */
  async pause(text: string): Promise<Pod> {
    const { pod, members } = await this.find(text);
    const running = members.filter(({ state }) => state.status === "running");
    await withMembers("pause", pod.name, running, ({ id }) => this.#engine.pause(id));
    return pod;
  }

  async resume(text: string): Promise<Pod> {
    const { pod, members } = await this.find(text);
    const paused = members.filter(({ state }) => state.status === "paused");
    await withMembers("unpause", pod.name, paused, ({ id }) => this.#engine.resume(id));
    return pod;
  }

  /**
   * Removes it with its containers and all that those have written.
   *
   * @param options force: containers that run are stopped first
   * @throws OrlopError `conflict` when some run, unless `force`
   */
  async remove(text: string, { force = false, timeoutMs = 0 }: RemovePodOptions = {}): Promise<Pod> {
    const { pod, members } = await this.find(text);
    const running = members.filter(({ state }) => isActive(state.status));
    if (!force && running.length > 0) {
      const names = running.map(({ name }) => name).join(", ");
      throw new OrlopError(
        "conflict",
        `Cannot remove pod "${pod.name}": its containers ${names} run\nTry --force, or stop it first.`,
      );
    }
    if (timeoutMs !== 0) {
      await withMembers("remove", pod.name, running, ({ id }) => this.#engine.stop(id, { timeoutMs }));
    }
    this.#refuseRequired(pod, members);
    await this.#markRemoving(pod.id);
    await this.#finishRemoval(pod.id);
    return pod;
  }

  /** Before anything is removed. */
  #refuseRequired({ name }: Pod, members: readonly Container[]): void {
    const own = new Set(members.map(({ id }) => id));
    const others = members.flatMap((member) => dependentsOf(this.#context, member)).filter(({ id }) => !own.has(id));
    if (others.length === 0) return;
    const names = [...new Set(others.map((other) => other.name))].join(", ");
    throw new OrlopError("conflict", `Cannot remove pod "${name}": containers of it are required by ${names}`);
  }

  /** From now on nobody joins it, or starts what has. */
  async #markRemoving(id: string): Promise<void> {
    using _lock = await lockPod(this.#context, id);
    const pod = this.#context.podRows.get(id);
    if (pod === undefined) return;
    const phase = phaseAfter("remove", pod.state.phase, pod.name);
    savePod(this.#context, pod, undefined, { ...pod.state, phase });
  }

  /** Also of one over whose removal somebody was killed. */
  async #finishRemoval(id: string): Promise<void> {
    const { database, podRows, events, rows } = this.#context;
    const pod = podRows.get(id);
    if (pod === undefined) return;
    let left = podRows.members(id).flatMap((member) => rows.get(member) ?? []);
    while (left.length > 0) {
      // Those that others cannot be without go last.
      const required = new Set(left.flatMap(({ requires = [] }) => requires));
      const free = left.filter((member) => !required.has(member.id));
      await withMembers("remove", pod.name, free, (member) =>
        this.#engine.remove(member.id, { force: true, volumes: true }),
      );
      left = left.filter((member) => required.has(member.id));
    }
    using _lock = await lockPod(this.#context, id);
    const now = podRows.get(id);
    if (now === undefined) return;
    await endPod(this.#context, now, undefined);
    rmSync(podDirectory(this.#context, id), { recursive: true, force: true });
    database.transaction(() => {
      podRows.delete(id);
      events.add(podEvent(now, "remove"));
    });
  }

  async #settle(id: string): Promise<Pod | undefined> {
    const pod = this.#context.podRows.get(id);
    if (pod === undefined) return undefined;
    if (pod.state.phase === "removing") {
      try {
        await this.#finishRemoval(id);
        return undefined;
      } catch (error) {
        // Whoever removes it next hears of what is in the way.
        if (error instanceof OrlopError) return pod;
        throw error;
      }
    }
    using lock = tryLockPod(this.#context, id);
    // Whoever holds it is changing it just now.
    if (lock === undefined) return pod;
    const now = this.#context.podRows.get(id);
    return now && (await settlePod(this.#context, now));
  }

  #refuseTaken(name: string): void {
    const holder = this.#context.podRows.named(name);
    if (holder === undefined) return;
    const what = `it is already in use by pod "${holder.id}"`;
    throw new OrlopError("conflict", `Cannot use name "${name}": ${what}\nTry another name, or remove that pod.`, {
      field: "name",
    });
  }

  #freeName(): string {
    for (;;) {
      const name = randomName(randomBytes);
      if (this.#context.podRows.named(name) === undefined) return name;
    }
  }
}

export interface RemovePodOptions {
  /** Containers that run are ended. */
  readonly force?: boolean;
  /** So long they may take; absent: they are killed at once. */
  readonly timeoutMs?: number;
}

function isUnderWay({ state }: Container): boolean {
  return state.status === "running" || state.status === "paused";
}

function membersOf({ id }: Pod, containers: readonly Container[]): readonly Container[] {
  const members = containers.filter(({ pod }) => pod?.id === id);
  return members.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
}
