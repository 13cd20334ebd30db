import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { existingAncestor } from "../system/existing-ancestor.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import type { TreeLimits } from "../whole/tree-keeper.ts";
import type { ProjectQuotas } from "./project-quotas.ts";

/** Name of a file in the directory of a snapshot that has a limit, or should have got one: the number of its project. */
const LIMITED = "limited";
/** Who numbers projects by hand, or one after the other, begins with small numbers; some take 32 bits with a sign. */
const PROJECT_MIN = 1 << 24;
const PROJECT_MAX = 2 ** 31 - 1;
const TRIES_MAX = 64;

/** Limits of snapshots by quotas of projects, one for each, where the file system counts and enforces them. */
export class ProjectLimits implements TreeLimits {
  readonly #system: SystemCalls;
  readonly #place: string;

  /** `place` is where the directories of snapshots are, once there are any. */
  constructor(system: SystemCalls, place: string) {
    this.#system = system;
    this.#place = place;
  }

  async check(): Promise<void> {
    if (process.geteuid?.() !== 0) throw this.#refused("an ordinary user sets no quotas of projects");
    const place = existingAncestor(this.#place);
    const quotas = await this.#quotas();
    const mode = await quotas.mode(place);
    if (mode === "off") throw this.#refused(`the file system of "${this.#place}" has no project quotas switched on`);
    if (mode === "counted")
      throw this.#refused(`the file system of "${this.#place}" counts what projects have, and limits none`);
    const project = await quotas.inherited(place);
    if (project !== 0) throw this.#refused(`"${place}" is of project ${project} itself, and of two there can be none`);
  }

  /** Gives directories of a snapshot, in which there is nothing yet, a project of their own. */
  async begin(directory: string, places: readonly string[]): Promise<void> {
    const id = await this.#freeProject(directory);
    writeFileSync(join(directory, LIMITED), `${id}\n`);
    await (await this.#quotas()).assign(places, id);
  }

  /** Layers are written by root, whom ext4 holds to no limit, and by some snapshotters elsewhere. */
  checkApply(directory: string): void {
    if (!existsSync(join(directory, LIMITED))) return;
    const what = "only what is written to it is limited\nTry one without a limit.";
    throw new OrlopError("unsupported", `Cannot apply layer to snapshot in "${directory}": ${what}`);
  }

  async set(directory: string, sizeMaxBytes: number): Promise<void> {
    const id = projectOf(directory);
    if (id === undefined) throw new OrlopError("failed", `Cannot limit snapshot in "${directory}": it has no project`);
    await (await this.#quotas()).limit(directory, id, sizeMaxBytes);
  }

  async lift(directory: string): Promise<void> {
    const id = projectOf(directory);
    if (id !== undefined) await (await this.#quotas()).lift(directory, id);
  }

  /** Nobody else takes the same in the same moment: there are two thousand millions. */
  async #freeProject(directory: string): Promise<number> {
    const { randomInt } = process.getBuiltinModule("node:crypto");
    const { namedProjects } = await import("./named-projects.ts");
    const [named, quotas] = [namedProjects(), await this.#quotas()];
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const id = randomInt(PROJECT_MIN, PROJECT_MAX);
      if (!named.has(id) && !(await quotas.isUsed(directory, id))) return id;
    }
    throw new OrlopError("exhausted", `Cannot limit snapshot in "${directory}": no free project in ${TRIES_MAX} tries`);
  }

  /** Loaded no sooner: most snapshots have no limit. */
  async #quotas(): Promise<ProjectQuotas> {
    const { ProjectQuotas } = await import("./project-quotas.ts");
    return new ProjectQuotas(this.#system);
  }

  #refused(what: string): OrlopError {
    const way = "Try ext4 or xfs mounted with prjquota as root (Linux 5.14), or the snapshotter btrfs.";
    return new OrlopError("unsupported", `Cannot limit snapshot: ${what}\n${way}`);
  }
}

/** Undefined for one without a limit, or whose project was not written down: then it has none. */
function projectOf(directory: string): number | undefined {
  const path = join(directory, LIMITED);
  // Most have none, and an error takes longer to make than the rest of a removal.
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  try {
    const [, digits] = /^(\d+)\n$/.exec(readFileSync(path, "latin1")) ?? [];
    return digits === undefined ? undefined : Number(digits);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
