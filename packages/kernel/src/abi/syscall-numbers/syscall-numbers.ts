import type { LinuxSeccompArch } from "@orlop/core";
import { type SeccompArchitecture, seccompArchitecture } from "./seccomp-architecture.ts";
import { SYSCALL_NAME_LIST, SYSCALL_NUMBER_ROWS } from "./syscall-number-rows.ts";

// Everything is decoded on first use: a container start pays for the architectures that its profile names.
let names: readonly string[] | undefined;
let ids: ReadonlyMap<string, number> | undefined;
const columns = new Map<LinuxSeccompArch, Int32Array>();
const namesByNumber = new Map<LinuxSeccompArch, ReadonlyMap<number, string>>();

/** Every system call name of every architecture, sorted. A call's place in it is its id. */
export function syscallNames(): readonly string[] {
  names ??= SYSCALL_NAME_LIST.split(" ");
  return names;
}

/** The place of a call in {@link syscallNames}, or undefined when no architecture has one of that name. */
export function syscallId(name: string): number | undefined {
  if (ids === undefined) {
    const all = new Map<string, number>();
    for (const [id, each] of syscallNames().entries()) all.set(each, id);
    ids = all;
  }
  return ids.get(name);
}

/** Value of a digit `0-9a-z` by its character code. */
function digit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}

/** Adds one generated row to a column; a call that the row lacks keeps what the column has. */
function decodeRow(text: string, base: number, column: Int32Array): void {
  for (let id = 0; id < column.length; id += 1) {
    const high = text.charCodeAt(2 * id);
    if (high !== 46) column[id] = base + digit(high) * 36 + digit(text.charCodeAt(2 * id + 1));
  }
}

/** By id, what `seccomp_data.nr` holds for the call; -1 where the architecture does not have it. */
export function syscallColumn({ name, rows }: SeccompArchitecture): Int32Array {
  let column = columns.get(name);
  if (column === undefined) {
    column = new Int32Array(syscallNames().length).fill(-1);
    for (const [row, base] of rows) decodeRow(SYSCALL_NUMBER_ROWS[row], base, column);
    columns.set(name, column);
  }
  return column;
}

/** What `seccomp_data.nr` holds for the call, or undefined when the architecture does not have it. */
export function syscallNumber(arch: LinuxSeccompArch, name: string): number | undefined {
  const architecture = seccompArchitecture(arch);
  const id = syscallId(name);
  if (architecture === undefined || id === undefined) return undefined;
  const number = syscallColumn(architecture)[id] ?? -1;
  return number === -1 ? undefined : number;
}

/** The name of a call by what `seccomp_data.nr` holds; of two names for one call, the first by alphabet. */
export function syscallName(arch: LinuxSeccompArch, number: number): string | undefined {
  let found = namesByNumber.get(arch);
  if (found === undefined) {
    const architecture = seccompArchitecture(arch);
    if (architecture === undefined) return undefined;
    const column = syscallColumn(architecture);
    const all = new Map<number, string>();
    for (const [id, name] of [...syscallNames().entries()].reverse()) all.set(column[id] ?? -1, name);
    all.delete(-1);
    namesByNumber.set(arch, all);
    found = all;
  }
  return found.get(number);
}
