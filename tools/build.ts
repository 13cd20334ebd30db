/**
 * `npm run build`: what is published. Each package as bundled JavaScript with declarations in its `dist`, the
 * command line as the one file `packages/orlop/dist/cli.cjs`, and the tarballs in `dist`, tried out before they
 * are left there.
 */
import { BuildFailure } from "./build/build-failure.ts";
import { buildPackages } from "./build/build-packages.ts";

try {
  for (const { packageName, sizeBytes } of await buildPackages(process.cwd(), true)) {
    console.log(`${packageName.padEnd(16)} ${(sizeBytes / 1000).toFixed(1).padStart(8)} kB packed`);
  }
} catch (error) {
  if (!(error instanceof BuildFailure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
