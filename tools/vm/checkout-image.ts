import { OrlopError } from "@orlop/core";
import { runCommand } from "../steps/run-command.ts";
import { programPath } from "./missing-programs.ts";

/** Big, and used only by the steps that read and build sources. */
const unusedPaths = [".git", "node_modules/@biomejs", "node_modules/@rolldown", "node_modules/@typescript"];

/** Packs the checkout with its own Node and what it imports into a read-only file system that everyone may read. */
export async function packCheckout(root: string, path: string): Promise<void> {
  const options = ["--quiet", "-x-1", "--all-root", ...unusedPaths.map((unused) => `--exclude-path=${unused}`)];
  const { exitCode, output } = await runCommand("mkfs.erofs", [...options, path, root], {
    env: { ...process.env, PATH: programPath },
  });
  if (exitCode !== 0) throw new OrlopError("failed", `Cannot pack the checkout "${root}": ${output.trimEnd()}`);
}
