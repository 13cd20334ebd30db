import type { LinuxNamespaceType } from "@orlop/core";
import type { Program, SystemdConnection } from "@orlop/kernel";
import { enterUnit } from "../systemd/enter-unit.ts";
import type { CreatePlan } from "./compilation.ts";
import { compileCreate, startSteps } from "./compile-create.ts";
import type { ContainerDirectory } from "./container-directory.ts";
import { type ContainerRecord, recordOf } from "./container-record.ts";
import { FollowedProgram } from "./followed-program.ts";
import { type HookedContainer, keepRequest } from "./kept-request.ts";
import type { ZygoteLike } from "./own-zygote.ts";
import { WORD } from "./supervision.ts";

export interface Beginning {
  readonly plan: CreatePlan;
  readonly directory: ContainerDirectory;
  readonly zygote: ZygoteLike;
  /** As the caller gave it: what hooks are run with. */
  readonly request: HookedContainer;
  /** The child has stopped for hooks and said this word (see WORD); its pid. */
  readonly onStop: (word: number, pid: number) => void;
  /** Who makes the plan's unit, until it is made. */
  readonly systemd?: SystemdConnection | undefined;
  /** Makes the program; one that creates the container by default. */
  readonly compile?: (plan: CreatePlan) => Program;
  /** Namespaces that init will be in beside those of the config. */
  readonly furtherNamespaces?: readonly LinuxNamespaceType[];
  /** What has to be in the directory before the program runs. */
  readonly furnish?: () => void;
}

/** A container whose program has been sent. */
export interface BegunContainer {
  readonly followed: FollowedProgram;
  readonly record: ContainerRecord;
}

/**
 * Compiles a container, takes its id by making its directory, and sends the program that makes the rest. What fails here
 * leaves nothing. Throws `exists` when the id is taken.
 */
export function beginContainer(beginning: Beginning): BegunContainer {
  const { plan, directory, zygote, request, systemd, onStop, furnish } = beginning;
  const { compile = compileCreate, furtherNamespaces = [] } = beginning;
  const program = compile(plan);
  const made = recordOf(plan, plan.style.startOnCommand ? startSteps(program) : []);
  const record = { ...made, namespaces: [...new Set([...made.namespaces, ...furtherNamespaces])] };
  directory.create(record, plan.seccomp);
  try {
    keepRequest(directory.path, request);
    furnish?.();
    const { unit } = plan;
    const followed: FollowedProgram = new FollowedProgram(program, ({ index, value }) => {
      if (index !== WORD.unit) onStop(index, value);
      else if (unit !== undefined && systemd !== undefined) {
        const enter = (pid: number): Promise<void> => systemd.startTransientUnit(unit, [pid]);
        void enterUnit({ unit, directory, followed, enter }, value);
      }
    });
    zygote.submit(program, followed.onReport);
    return { followed, record };
  } catch (error) {
    directory.remove();
    throw error;
  }
}
