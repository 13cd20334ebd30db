import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type SourceModule, sourceModule } from "./source-module.ts";

/** What the checks read of a package.json. */
interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export interface WorkspacePackage {
  /** Path from the root of the checkout: `packages/kernel`. */
  readonly directory: string;
  readonly manifest: PackageManifest;
}

/** Everything the checks look at: the checkout as it lies on disk, whether committed or not. */
export interface Workspace {
  /** Paths that mean something on this machine only: where the checkout is, and the caller's home. */
  readonly ownPaths: readonly string[];
  readonly rootManifest: PackageManifest;
  readonly packages: readonly WorkspacePackage[];
  /** TypeScript files of the packages and of `tools`. */
  readonly modules: readonly SourceModule[];
  /** Every other text a reader may open (documents, scripts, configuration): path and text. */
  readonly texts: readonly { readonly path: string; readonly text: string }[];
}

/** A larger file is data, not something that a reader opens. */
const textSizeMaxBytes = 1 << 20;

/** Not ours, or made by a command. */
const skippedNames: ReadonlySet<string> = new Set([".git", ".cache", "node_modules", "dist", "package-lock.json"]);

function readManifest(path: string): PackageManifest {
  const value = JSON.parse(readFileSync(path, "utf8")) as Partial<PackageManifest>;
  return {
    name: value.name ?? "",
    version: value.version ?? "",
    exports: value.exports ?? {},
    dependencies: value.dependencies ?? {},
    devDependencies: value.devDependencies ?? {},
  };
}

function* filesBelow(root: string, directory: string): Generator<string> {
  for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
    if (skippedNames.has(entry.name)) continue;
    const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(root, path);
    else if (entry.isFile()) yield path;
  }
}

/** Reads the checkout at `root`. Throws what `node:fs` throws when it is not one. */
export function readWorkspace(root: string): Workspace {
  const modules: SourceModule[] = [];
  const texts: { path: string; text: string }[] = [];
  for (const path of [...filesBelow(root, "")].sort()) {
    if (statSync(join(root, path)).size > textSizeMaxBytes) continue;
    const text = readFileSync(join(root, path), "utf8");
    if (/^(packages\/[^/]+\/src|tools)\/.*\.ts$/.test(path)) modules.push(sourceModule(path, text));
    // A NUL byte means a binary file: a test's archive, a disk image.
    else if (!text.includes("\0")) texts.push({ path, text });
  }
  const packages = readdirSync(join(root, "packages"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, "packages", entry.name, "package.json")))
    .map((entry) => {
      const directory = `packages/${entry.name}`;
      return { directory, manifest: readManifest(join(root, directory, "package.json")) };
    });
  // A short one (`/root`, `/src`) is an ordinary path in a container.
  const ownPaths = [root, homedir()].filter((path) => path.split("/").length > 2);
  return { ownPaths, rootManifest: readManifest(join(root, "package.json")), packages, modules, texts };
}
