import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRows, testkitPackage } from "../layers/package-rows.ts";
import type { BundledPackage } from "./bundle-command.ts";
import type { BuildManifest } from "./published-manifest.ts";

/** The packages of a checkout, the bottom of the stack first, so that each comes after those below it. */
export function checkoutPackages(root: string): readonly BundledPackage[] {
  return [...packageRows]
    .reverse()
    .flat()
    .concat(testkitPackage)
    .map((name) => join(root, "packages", name.replace("@orlop/", "")))
    .filter((directory) => existsSync(join(directory, "package.json")))
    .map((directory) => ({
      directory,
      manifest: JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as BuildManifest,
    }));
}
