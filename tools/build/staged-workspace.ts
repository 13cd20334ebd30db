import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { BundledPackage } from "./bundle-command.ts";
import { checkoutPackages } from "./checkout-packages.ts";
import { publishedManifest } from "./published-manifest.ts";

/** A package whose directory is the copy that the build works on; the manifest is as in the checkout. */
export interface StagedPackage extends BundledPackage {
  /** Where it comes from, absolute. */
  readonly origin: string;
}

/** A copy of the packages as users get them, without tests, so that a build never shows half-made files to who uses the checkout. */
export interface StagedWorkspace extends Disposable {
  readonly directory: string;
  /** The bottom of the stack first, so that each finds the declarations of those below it. */
  readonly packages: readonly StagedPackage[];
}

/** Files that only tests use; they stay in the checkout. */
const testOnly = /\.test\.ts$|-fixture\.ts$|\/fixtures(\/|$)/;

/** Copied when a package has them. */
const carried = ["src", "bin", "README.md"] as const;

function stagePackage(root: string, stage: string, { manifest, directory: origin }: BundledPackage): StagedPackage {
  const directory = join(stage, "packages", basename(origin));
  mkdirSync(directory, { recursive: true });
  for (const entry of carried) {
    if (!existsSync(join(origin, entry))) continue;
    cpSync(join(origin, entry), join(directory, entry), { recursive: true, filter: (path) => !testOnly.test(path) });
  }
  cpSync(join(root, "LICENSE"), join(directory, "LICENSE"));
  const link = join(stage, "node_modules", manifest.name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(directory, link);
  writeFileSync(join(directory, "package.json"), JSON.stringify(publishedManifest(manifest), undefined, 2));
  return { manifest, origin, directory };
}

function removeStage(root: string, directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  const cache = join(root, ".cache");
  if (readdirSync(cache).length === 0) rmdirSync(cache);
}

/** Copies the packages of the checkout to a fresh directory under `.cache`; disposing removes it. */
export function stageWorkspace(root: string): StagedWorkspace {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const directory = mkdtempSync(join(root, ".cache", "build-"));
  const packages = checkoutPackages(root).map((each) => stagePackage(root, directory, each));
  return { directory, packages, [Symbol.dispose]: () => removeStage(root, directory) };
}
