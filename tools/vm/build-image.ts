import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { runCommand } from "../steps/run-command.ts";
import { debianSources } from "./debian-sources.ts";
import { cacheDirectory, imageFiles, type MachineImage } from "./image-cache.ts";
import type { ImageRecipe } from "./image-recipe.ts";
import { buildPrograms, missingPrograms, programPath } from "./missing-programs.ts";

/** Left out of every package: nobody reads in there. */
const excludedPaths = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"];

async function run(file: string, args: readonly string[]): Promise<void> {
  const { exitCode, output } = await runCommand(file, args, { env: { ...process.env, PATH: programPath } });
  if (exitCode === 0) return;
  const end = output.trimEnd().split("\n").slice(-20).join("\n");
  throw new OrlopError("failed", `Cannot build the test machine's image: ${file} failed\n${end}`);
}

/** Installs the recipe into an empty directory. */
async function installRoot(recipe: ImageRecipe, root: string): Promise<void> {
  // Its mounts go away with it, also when it is killed: what is left is a directory that can be removed.
  await run("unshare", [
    ...["--mount", "--", "mmdebstrap"],
    ...["--mode=root", "--variant=minbase", `--include=${recipe.packages.join(",")}`],
    ...["--dpkgopt=force-confold", ...excludedPaths.map((path) => `--dpkgopt=path-exclude=${path}`)],
    `--essential-hook=copy-in ${recipe.tree}/etc /`,
    ...recipe.commands.map((command) => `--customize-hook=chroot "$1" ${command}`),
    ...[recipe.suite, root, ...(await debianSources(recipe.suite))],
  ]);
}

async function writeFiles(root: string, sizeMiB: number, files: MachineImage): Promise<void> {
  copyFileSync(join(root, "vmlinuz"), files.kernel);
  copyFileSync(join(root, "initrd.img"), files.initrd);
  await run("mke2fs", ["-q", "-t", "ext4", "-d", root, files.root, `${sizeMiB}M`]);
}

/** Why this user cannot build an image here; undefined when they can. */
function buildObstacle(): string | undefined {
  // Files of all owners are made, and copied into a file system as they are.
  if (process.getuid?.() !== 0) return "takes root, once: sudo npm run test:v2";
  return missingPrograms(buildPrograms);
}

/**
 * Builds the image of a recipe under its name in the cache: a minute or two, half a gigabyte. Whoever builds the same
 * at the same time does not disturb it, and an interrupted one leaves nothing under the name.
 */
export async function buildImage(recipe: ImageRecipe, name: string): Promise<MachineImage> {
  const obstacle = buildObstacle();
  if (obstacle !== undefined) {
    throw new OrlopError("unsupported", `Cannot build the test machine's image: ${obstacle}`);
  }
  const cache = cacheDirectory(process.env, process.getuid?.() ?? 0);
  mkdirSync(cache, { recursive: true });
  const building = mkdtempSync(join(cache, "building-"));
  try {
    const root = join(building, "root");
    await installRoot(recipe, root);
    const finished = join(building, name);
    mkdirSync(finished);
    await writeFiles(root, recipe.sizeMiB, imageFiles(finished));
    const place = join(cache, name);
    if (!existsSync(place)) renameSync(finished, place);
    return imageFiles(place);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}
