import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleCommand } from "./bundle-command.ts";
import { bundleFile, bundleMap } from "./bundle-file.ts";
import { bundlePackage } from "./bundle-package.ts";
import { emitDeclarations } from "./emit-declarations.ts";
import { packPackages, type Tarball } from "./pack-packages.ts";
import { type StagedWorkspace, stageWorkspace } from "./staged-workspace.ts";
import { tryInstall } from "./try-install.ts";

function publishToCheckout(root: string, stage: StagedWorkspace, tarballs: string): void {
  for (const { directory, origin } of stage.packages) {
    rmSync(join(origin, "dist"), { recursive: true, force: true });
    cpSync(join(directory, "dist"), join(origin, "dist"), { recursive: true });
  }
  rmSync(join(root, "dist"), { recursive: true, force: true });
  cpSync(tarballs, join(root, "dist"), { recursive: true });
}

async function writeCommand(directory: string, { packages }: StagedWorkspace): Promise<void> {
  const bundle = await bundleCommand(directory, packages);
  writeFileSync(join(directory, "dist", "cli.cjs"), bundleFile(bundle));
  writeFileSync(join(directory, "dist", "cli.cjs.map"), bundleMap(bundle));
}

/**
 * Builds every package, packs it and uses the result as a user would.
 *
 * With `keep`, leaves each package's `dist` in the checkout and the tarballs in the checkout's `dist`; without,
 * leaves nothing. Throws {@link BuildFailure} naming the part that failed.
 */
export async function buildPackages(root: string, keep: boolean): Promise<readonly Tarball[]> {
  using stage = stageWorkspace(root);
  for (const staged of stage.packages) {
    await bundlePackage(staged);
    await emitDeclarations(root, staged);
    if (staged.manifest.name === "orlop") await writeCommand(staged.directory, stage);
  }
  const tarballDirectory = join(stage.directory, "tarballs");
  const installDirectory = join(stage.directory, "install");
  for (const directory of [tarballDirectory, installDirectory]) mkdirSync(directory);
  const tarballs = await packPackages(stage, tarballDirectory);
  await tryInstall(root, installDirectory, stage.packages, tarballs);
  if (keep) publishToCheckout(root, stage, tarballDirectory);
  return tarballs;
}
