import type { Report } from "@orlop/kernel";
import type { ContainerDirectory } from "./container-directory.ts";
import type { FollowedProgram } from "./followed-program.ts";

/** Execs that this process has started and hears of; of all others it finds what they have written down. */
export class OwnExecs {
  /** By path of the directory, until it has ended. */
  readonly #followed = new Map<string, FollowedProgram>();

  add({ path }: ContainerDirectory, followed: FollowedProgram): void {
    this.#followed.set(path, followed);
    void followed.ended.promise.then(() => this.#followed.delete(path));
  }

  /** How an exec ends; resolves with undefined where nobody will say it here. Undefined: it is none of these. */
  exited({ path }: ContainerDirectory): Promise<Report | undefined> | undefined {
    return this.#followed.get(path)?.exited.promise.catch(() => undefined);
  }
}
