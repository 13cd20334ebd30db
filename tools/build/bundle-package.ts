import { existsSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { BuildFailure } from "./build-failure.ts";
import type { StagedPackage } from "./staged-workspace.ts";

/** `./dist/erofs/index.js` is the output `erofs/index`. */
function outputName(path: string): string {
  return path.replace(/^\.\/dist\//, "").replace(/\.js$/, "");
}

/** Bundles each export and each program of a package into `dist`. Other packages stay imports. */
export async function bundlePackage({ manifest, directory }: StagedPackage): Promise<void> {
  const entries = [
    ...Object.values(manifest.exports).map(({ default: file, source }) => [file, source] as const),
    ...Object.entries(manifest.programs ?? {}),
  ];
  const [, missing] = entries.find(([, source]) => !existsSync(join(directory, source))) ?? [];
  if (missing !== undefined) {
    throw new BuildFailure(`Cannot bundle package "${manifest.name}": its ${missing} does not exist`);
  }
  const input = Object.fromEntries(entries.map(([file, source]) => [outputName(file), source]));
  const bundle = await rolldown({ cwd: directory, input, platform: "node", external: /^[^./]/ });
  await bundle.write({ dir: join(directory, "dist"), format: "esm", sourcemap: true, entryFileNames: "[name].js" });
  await bundle.close();
}
