import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { packageRows, testkitPackage } from "../layers/package-rows.ts";
import { type BuildManifest, publishedManifest } from "./published-manifest.ts";

export interface StagedPackage {
  /** As in the checkout. */
  readonly manifest: BuildManifest;
  /** Where it comes from, absolute. */
  readonly origin: string;
  /** Its copy that the build works on, absolute. */
  readonly directory: string;
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

function stagePackage(root: string, stage: string, name: string): StagedPackage | undefined {
  const folder = name.replace("@orlop/", "");
  const origin = join(root, "packages", folder);
  if (!existsSync(join(origin, "package.json"))) return undefined;
  const directory = join(stage, "packages", folder);
  mkdirSync(directory, { recursive: true });
  for (const entry of carried) {
    if (!existsSync(join(origin, entry))) continue;
    cpSync(join(origin, entry), join(directory, entry), { recursive: true, filter: (path) => !testOnly.test(path) });
  }
  cpSync(join(root, "LICENSE"), join(directory, "LICENSE"));
  const link = join(stage, "node_modules", name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(directory, link);
  const manifest = JSON.parse(readFileSync(join(origin, "package.json"), "utf8")) as BuildManifest;
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
  const names = [...packageRows].reverse().flat().concat(testkitPackage);
  const packages = names.map((name) => stagePackage(root, directory, name)).filter((each) => each !== undefined);
  return { directory, packages, [Symbol.dispose]: () => removeStage(root, directory) };
}
