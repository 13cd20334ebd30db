import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../steps/run-command.ts";
import { BuildFailure } from "./build-failure.ts";
import type { StagedPackage } from "./staged-workspace.ts";

/** Writes a `.d.ts` beside each bundled file; types of other packages come from their own `.d.ts`. */
export async function emitDeclarations(root: string, { manifest, directory }: StagedPackage): Promise<void> {
  const configuration = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      emitDeclarationOnly: true,
      declarationMap: true,
      customConditions: [],
      rootDir: "src",
      outDir: "dist",
    },
    // Only what the exports reach: tests have files of their own that are no part of the package.
    files: Object.values(manifest.exports).map(({ source }) => source),
    include: [],
  };
  const path = join(directory, "tsconfig.json");
  writeFileSync(path, JSON.stringify(configuration));
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const { exitCode, output } = await runCommand(tsc, ["-p", path, "--pretty", "false"], { cwd: directory });
  if (exitCode !== 0) throw new BuildFailure(`Cannot declare the types of "${manifest.name}":\n${output}`);
}
