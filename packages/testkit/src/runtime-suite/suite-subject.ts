import type { Runtime } from "@orlop/core";

/** A runtime that the suite may use up: disposing ends what it runs beside its containers (a zygote, connections). */
export interface RuntimeSuiteSubject extends AsyncDisposable {
  readonly runtime: Runtime;
}

/**
 * Makes the runtime. Two that are made for one directory share its state, as two processes of one program would.
 *
 * @param stateDirectory exists, is empty at first, and is the runtime's own.
 */
export type MakeRuntime = (stateDirectory: string) => RuntimeSuiteSubject | Promise<RuntimeSuiteSubject>;

export interface RuntimeSuiteOptions {
  /** Why the runtime cannot be tried here, for the skips; undefined when it can. */
  readonly obstacle?: () => string | undefined | Promise<string | undefined>;
  /** Cases, by their titles, that a foreign program is known to fail, each with the reason: they are skipped. */
  readonly exceptions?: Readonly<Record<string, string>>;
}
