import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { rolldown } from "rolldown";
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

/**
 * Bundles the command line with every workspace package into the one file `dist/cli.js`: reading one file is
 * what makes a command start fast.
 */
export async function bundleCommandLine({ directory }: StagedPackage): Promise<void> {
  const input = "src/main.ts";
  if (!existsSync(join(directory, input))) {
    throw new BuildFailure(`Cannot bundle the command line: packages/${basename(directory)}/${input} does not exist`);
  }
  const resolve = { conditionNames: ["source", "import", "node", "default"] };
  const bundle = await rolldown({ cwd: directory, input, platform: "node", external: /^node:/, resolve });
  const file = join(directory, "dist", "cli.js");
  await bundle.write({ file, format: "esm", sourcemap: true, codeSplitting: false });
  await bundle.close();
}
