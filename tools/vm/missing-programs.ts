import { findProgram } from "../steps/find-program.ts";

interface NeededProgram {
  readonly name: string;
  /** Debian's package that holds it. */
  readonly package: string;
}

/** What starting a machine takes. */
export const startPrograms: readonly NeededProgram[] = [
  { name: "qemu-system-x86_64", package: "qemu-system-x86" },
  { name: "mkfs.erofs", package: "erofs-utils" },
];

/** What building its image takes. */
export const buildPrograms: readonly NeededProgram[] = [
  { name: "mmdebstrap", package: "mmdebstrap" },
  { name: "mke2fs", package: "e2fsprogs" },
];

/** An ordinary user's path leaves out where file system tools are. */
export const programPath: string = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;

/** `needs qemu-system-x86_64: apt-get install ...`; undefined when all are there. */
export function missingPrograms(programs: readonly NeededProgram[], path: string = programPath): string | undefined {
  const missing = programs.filter(({ name }) => findProgram(name, path) === undefined);
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((program) => program.package))].join(" ");
  return `needs ${missing.map(({ name }) => name).join(", ")}: apt-get install --no-install-recommends ${packages}`;
}
