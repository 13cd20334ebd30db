import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { type Plugin, rolldown } from "rolldown";
import { BuildFailure } from "./build-failure.ts";
import type { StagedPackage } from "./staged-workspace.ts";

/** `./dist/erofs/index.js` is the output `erofs/index`. */
function outputName(path: string): string {
  return path.replace(/^\.\/dist\//, "").replace(/\.js$/, "");
}

/** Bundles each export of a package into `dist`. Other packages stay imports. */
export async function bundlePackage({ manifest, directory }: StagedPackage): Promise<void> {
  const entries = Object.values(manifest.exports);
  const missing = entries.find(({ source }) => !existsSync(join(directory, source)));
  if (missing !== undefined) {
    throw new BuildFailure(`Cannot bundle package "${manifest.name}": its export ${missing.source} does not exist`);
  }
  const input = Object.fromEntries(entries.map((entry) => [outputName(entry.default), entry.source]));
  const bundle = await rolldown({ cwd: directory, input, platform: "node", external: /^[^./]/ });
  await bundle.write({ dir: join(directory, "dist"), format: "esm", sourcemap: true, entryFileNames: "[name].js" });
  await bundle.close();
}

/** Resolves the workspace's names to sources, so that one pass sees everything and maps back to it. */
function workspaceSources(packages: readonly StagedPackage[]): Plugin {
  const sources = new Map<string, string>();
  for (const { manifest, directory } of packages) {
    for (const [subpath, { source }] of Object.entries(manifest.exports)) {
      sources.set(manifest.name + subpath.slice(1), join(directory, source));
    }
  }
  return { name: "workspace-sources", resolveId: (specifier) => sources.get(specifier) };
}

/**
 * Bundles the command line with every workspace package into the one file `dist/cli.js`: reading one file is
 * what makes a command start fast.
 */
export async function bundleCommandLine({ directory }: StagedPackage, all: readonly StagedPackage[]): Promise<void> {
  const input = "src/main.ts";
  if (!existsSync(join(directory, input))) {
    throw new BuildFailure(`Cannot bundle the command line: packages/${basename(directory)}/${input} does not exist`);
  }
  const plugins = [workspaceSources(all)];
  const warnings: string[] = [];
  // A name that does not resolve is only a warning to the bundler, and an error to who installs the file.
  const onLog = (_level: string, log: { readonly message: string }): void => void warnings.push(log.message);
  const bundle = await rolldown({ cwd: directory, input, platform: "node", external: /^node:/, plugins, onLog });
  const file = join(directory, "dist", "cli.js");
  await bundle.write({ file, format: "esm", sourcemap: true, codeSplitting: false });
  await bundle.close();
  if (warnings.length > 0) throw new BuildFailure(`Cannot bundle the command line:\n${warnings.join("\n")}`);
}
