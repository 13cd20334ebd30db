import type { PackageIndex } from "./package-index.ts";

/** Beside these, directories for the programs of other machines, as debootstrap makes them. */
const LINKS: readonly string[] = ["bin", "lib", "sbin"];
const LINKS_OF_ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  amd64: ["lib64"],
  loong64: ["lib64"],
  ppc64: ["lib64"],
  ppc64el: ["lib64"],
};

/**
 * Directories that are links into `/usr` in this suite: those of mmdebstrap, which takes the existence of usr-is-merged for
 * the sign of it.
 */
export function mergedLinks(index: PackageIndex, architecture: string): readonly string[] {
  const isMerged = index.find("usr-is-merged") !== undefined || index.providers("usr-is-merged").length > 0;
  return isMerged ? [...LINKS, ...(LINKS_OF_ARCHITECTURES[architecture] ?? [])].sort() : [];
}
