import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { bundleForCopy } from "../build/bundle-checkout.ts";
import { runCommand } from "../steps/run-command.ts";
import { programPath } from "./missing-programs.ts";

/** Big, and used only by the steps that read and build sources. */
const unusedPaths = [".git", "node_modules/@biomejs", "node_modules/@rolldown", "node_modules/@typescript"];

/** Where the checkout keeps the bundle of its command line, from its root. */
const bundlePlace = "packages/orlop/.cache";

/** Mounts the file system of {@link packBundle}, the machine's third disk, where the checkout's own bundle would be. */
export const mountBundle: string = `mount -t erofs -o ro /dev/vdc ${bundlePlace}`;

async function packDirectory(directory: string, path: string, options: readonly string[]): Promise<void> {
  const { exitCode, output } = await runCommand(
    "mkfs.erofs",
    ["--quiet", "-x-1", "--all-root", ...options, path, directory],
    { env: { ...process.env, PATH: programPath } },
  );
  if (exitCode !== 0) throw new OrlopError("failed", `Cannot pack directory "${directory}": ${output.trimEnd()}`);
}

/** Packs the checkout with its own Node and what it imports into a read-only file system that everyone may read. */
export async function packCheckout(root: string, path: string): Promise<void> {
  mkdirSync(join(root, bundlePlace), { recursive: true });
  await packDirectory(
    root,
    path,
    unusedPaths.map((unused) => `--exclude-path=${unused}`),
  );
}

/**
 * Packs the checkout's command line as one file, made of what is there now. Without it each command in the machine reads
 * hundreds of sources and takes fifteen times as long.
 */
export async function packBundle(root: string, directory: string, path: string): Promise<void> {
  mkdirSync(directory);
  await bundleForCopy(root, directory);
  await packDirectory(directory, path, []);
}
