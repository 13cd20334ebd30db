import type { LinuxSeccomp } from "@orlop/core";
import { type CompileSeccompOptions, compileSeccomp, type SeccompProgram } from "./compile-seccomp.ts";

/** Programs that a cache keeps when its maker does not say: the profiles of a machine are few. */
const programsMaxDefault = 16;

/**
 * Compiles each config once. A container start pays a twentieth of a millisecond for a known one, against half a
 * millisecond for compiling the default profile.
 *
 * What it returns is shared: whoever wants to change a program's bytes copies them first.
 */
export class SeccompProgramCache {
  readonly #programs = new Map<string, SeccompProgram>();
  readonly #programsMax: number;
  /** Of configs that are the very same object: they need not be read to be known. */
  readonly #known = new WeakMap<
    LinuxSeccomp,
    { readonly options: CompileSeccompOptions; readonly program: SeccompProgram }
  >();

  /** @param programsMax when it has more, it forgets the one that was not asked for the longest */
  constructor(programsMax: number = programsMaxDefault) {
    this.#programsMax = programsMax;
  }

  /** The same as {@link compileSeccomp}, errors included. Nobody may change a config that was given once. */
  compile(seccomp: LinuxSeccomp, options: CompileSeccompOptions): SeccompProgram {
    const known = this.#known.get(seccomp);
    if (known !== undefined && isSame(known.options, options)) return known.program;
    const program = this.#find(seccomp, options);
    this.#known.set(seccomp, { options, program });
    return program;
  }

  #find(seccomp: LinuxSeccomp, options: CompileSeccompOptions): SeccompProgram {
    const key = JSON.stringify([options.nativeArch, options.listensAlways === true, seccomp], (_key, value) =>
      typeof value === "bigint" ? { bigint: String(value) } : value,
    );
    const program = this.#programs.get(key) ?? compileSeccomp(seccomp, options);
    this.#programs.delete(key);
    this.#programs.set(key, program);
    const [oldest] = this.#programs.keys();
    if (oldest !== undefined && this.#programs.size > this.#programsMax) this.#programs.delete(oldest);
    return program;
  }
}

function isSame(one: CompileSeccompOptions, other: CompileSeccompOptions): boolean {
  return one.nativeArch === other.nativeArch && (one.listensAlways === true) === (other.listensAlways === true);
}
