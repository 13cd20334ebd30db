import { accessSync, constants } from "node:fs";
import type { Step, StepResult } from "../steps/step.ts";
import { BuildFailure } from "./build-failure.ts";
import { buildPackages } from "./build-packages.ts";

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Builds, packs and tries out the packages, and leaves nothing behind. */
export function packageStep(root: string): Step {
  return {
    name: "package",
    async run(): Promise<StepResult> {
      if (!isWritable(root)) return { ok: true, note: "skipped: this user cannot write into the checkout" };
      try {
        const tarballs = await buildPackages(root, false);
        const kilobytes = tarballs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1000;
        return { ok: true, note: `${tarballs.length} packages, ${kilobytes.toFixed(0)} kB packed` };
      } catch (error) {
        if (!(error instanceof BuildFailure)) throw error;
        return { ok: false, output: error.message, fix: "npm run build, after what is named above" };
      }
    },
  };
}
