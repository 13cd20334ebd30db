import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { type Plugin, rolldown } from "rolldown";
import { asciiOnly } from "./ascii-only.ts";
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
    const value = name === "node:assert/strict" ? byFirstFailure(loaded) : SLOW.has(name) ? byFirstUse(loaded) : loaded;
    return { code: `module.exports = ${value};`, moduleSideEffects: false };
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

/** Checks what is checked most by itself, so that the module, which loads what it takes to colour differences, is loaded to tell of them. */
function byFirstFailure(loaded: string): string {
  const call = (condition: string): string => `(...words) => ${condition} ? undefined : `;
  const cases = [
    `ok: ${call("words[0]")}${loaded}.ok(...words)`,
    `equal: ${call("Object.is(words[0], words[1])")}${loaded}.equal(...words)`,
  ];
  const others = `{ get: (_, name) => ({ ${cases.join(", ")} })[name] ?? ${loaded}[name] }`;
  return `new Proxy(${call("words[0]")}${loaded}(...words), ${others})`;
}

/** A part of the command line: what no way through it needs without needing all of it. */
interface BundlePart {
  /** By which others require it, behind `./`. */
  readonly name: string;
  /** A CommonJS module in ASCII. */
  readonly text: string;
  /** Its source map. */
  readonly map: string;
}

/** The parts of the command line; the first one exports `commandLine`. */
export type CommandBundle = readonly BundlePart[];

/**
 * Bundles the command line with every workspace package into a few hundred parts, of which a command loads those that it uses:
 * V8 takes longer to take in functions that nobody calls than most commands take. Modules of Node that a lazily loaded part alone
 * uses are loaded with that part.
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
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
    dynamicImportInCjs: false,
  } as const;
  const { output } = await bundle.generate(options);
  await bundle.close();
  if (warnings.length > 0) throw new BuildFailure(`Cannot bundle the command line:\n${warnings.join("\n")}`);
  const chunks = output.filter((each) => each.type === "chunk");
  const entry = chunks.findIndex(({ isEntry }) => isEntry);
  return [...chunks.splice(entry, 1), ...chunks].map(({ fileName, code, map }) => ({
    name: fileName,
    text: asciiOnly(code),
    map: String(map),
  }));
}
