import { existsSync } from "node:fs";
import { join } from "node:path";
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
