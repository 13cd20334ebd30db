import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { type Plugin, rolldown } from "rolldown";
import { BuildFailure } from "./build-failure.ts";
import type { BuildManifest } from "./published-manifest.ts";

/** A package with its sources. */
export interface BundledPackage {
  readonly manifest: BuildManifest;
  /** Absolute. */
  readonly directory: string;
}

/** Resolves the workspace's names to sources, so that one pass sees everything and maps back to it. */
function workspaceSources(packages: readonly BundledPackage[]): Plugin {
  const sources = new Map<string, string>();
  for (const { manifest, directory } of packages) {
    for (const [subpath, { source }] of Object.entries(manifest.exports)) {
      sources.set(manifest.name + subpath.slice(1), join(directory, source));
    }
  }
  return { name: "workspace-sources", resolveId: (specifier) => sources.get(specifier) };
}

const LAZY = "\0lazy-";

/** Modules that take milliseconds to load, and that many parts import for what they seldom do. */
const SLOW: ReadonlySet<string> = new Set(["node:crypto", "node:fs/promises"]);

/**
 * Has a module of Node loaded by the first part that is loaded and imports it, or by the first use of the slow ones. The
 * bundler would load all of them at the start, for parts too that this start does not get to.
 */
const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  resolveId: (specifier) => (specifier.startsWith("node:") ? `${LAZY}${specifier}.cjs` : undefined),
  load: (id) => {
    if (!id.startsWith(LAZY)) return undefined;
    const name = id.slice(LAZY.length, -".cjs".length);
    const loaded = `process.getBuiltinModule("${name}")`;
    return { code: `module.exports = ${SLOW.has(name) ? byFirstUse(loaded) : loaded};`, moduleSideEffects: false };
  },
};

/** An object that looks like the loaded one to who takes properties, or all of them as `import()` does. */
function byFirstUse(loaded: string): string {
  const descriptor = `{ ...Object.getOwnPropertyDescriptor(${loaded}, name), configurable: true }`;
  const traps = [
    `get: (_, name) => ${loaded}[name]`,
    `ownKeys: () => Reflect.ownKeys(${loaded})`,
    `getOwnPropertyDescriptor: (_, name) => (${descriptor})`,
  ];
  return `new Proxy({}, { ${traps.join(", ")} })`;
}

/** What the bundler leaves of them stands in strings and regular expressions, where an escape means the same. */
function asciiOnly(text: string): string {
  return text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

interface CommandBundle {
  /** A CommonJS module that exports `commandLine`, in ASCII. */
  readonly text: string;
  /** Its source map. */
  readonly map: string;
}

/**
 * Bundles the command line with every workspace package into one text: reading one file is what makes a command start
 * fast. Modules of Node that a lazily loaded part alone uses are loaded with that part.
 */
export async function bundleCommand(
  directory: string,
  packages: readonly BundledPackage[],
  observer: Plugin = { name: "no-observer" },
): Promise<CommandBundle> {
  const input = "src/command-line.ts";
  if (!existsSync(join(directory, input))) {
    throw new BuildFailure(`Cannot bundle the command line: packages/${basename(directory)}/${input} does not exist`);
  }
  const plugins = [observer, workspaceSources(packages), lazyBuiltins];
  const warnings: string[] = [];
  // A name that does not resolve is only a warning to the bundler, and an error to who installs the file.
  const onLog = (_level: string, log: { readonly message: string }): void => void warnings.push(log.message);
  const bundle = await rolldown({ cwd: directory, input, platform: "node", plugins, onLog });
  const options = {
    format: "cjs",
    sourcemap: true,
    comments: { legal: true, annotation: false, jsdoc: false },
    codeSplitting: false,
    dynamicImportInCjs: false,
  } as const;
  const { output } = await bundle.generate(options);
  await bundle.close();
  if (warnings.length > 0) throw new BuildFailure(`Cannot bundle the command line:\n${warnings.join("\n")}`);
  const [{ code, map }] = output;
  return { text: asciiOnly(code), map: String(map) };
}

/** An input of a checkout's bundle: its path from the root of the checkout, its size, its last change in ms. */
export type BundleInput = readonly [path: string, size: number, changedMs: number];

/** The bundle as a file: its last line is the record that bin/start.cjs reads. */
export function bundleFile(text: string, inputs: readonly BundleInput[] = []): string {
  const build = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return `${text.trimEnd()}\n// ${asciiOnly(JSON.stringify({ build, inputs }))}`;
}
