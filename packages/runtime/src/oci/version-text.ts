import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { RUNTIME_SPEC_VERSION } from "@orlop/core";

/**
 * What `--version` prints. dockerd (since 20.10) takes the words around "version" of the first line and the commit;
 * go-runc, with which containerd asks, the second and third line by their names; podman and CRI-O show all of it. The
 * commit is a word without blanks, and a package is known by its version alone.
 */
export function versionText(): string {
  const version = runtimeVersion();
  return `orlop-oci version ${version}\ncommit: v${version}\nspec: ${RUNTIME_SPEC_VERSION}\n`;
}

/** The version of this package: in the nearest manifest above, for this file is in src or, bundled, in dist. */
export function runtimeVersion(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, "package.json"))) directory = dirname(directory);
  return (JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { readonly version: string }).version;
}
