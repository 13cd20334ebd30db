import { join } from "node:path";
import { runCommand } from "../steps/run-command.ts";
import { BuildFailure } from "./build-failure.ts";
import type { StagedPackage, StagedWorkspace } from "./staged-workspace.ts";

export interface Tarball {
  readonly packageName: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** What `npm pack --json` tells of a package. */
interface PackReport {
  readonly name: string;
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

const expected = ["package.json", "README.md", "LICENSE"];
const allowedFolders = /^(dist|src|bin)\//;

/** What is wrong with the contents of a package: a file too many, or one too few. */
export function contentProblems(name: string, paths: readonly string[]): readonly string[] {
  const extra = paths.filter((path) => !expected.includes(path) && !allowedFolders.test(path));
  const tests = paths.filter((path) => path.endsWith(".test.ts"));
  const missing = [...expected, "dist/index.js", "dist/index.d.ts"].filter((path) => !paths.includes(path));
  return [
    ...[...extra, ...tests].map((path) => `${name} must not contain ${path}`),
    ...missing.map((path) => `${name} lacks ${path}`),
  ];
}

async function packPackage(staged: StagedPackage, destination: string): Promise<Tarball> {
  const { directory, manifest } = staged;
  const args = ["pack", "--json", "--loglevel=error", `--pack-destination=${destination}`];
  const { exitCode, output } = await runCommand("npm", args, { cwd: directory });
  const cannot = `Cannot pack "${manifest.name}"`;
  if (exitCode !== 0) throw new BuildFailure(`${cannot}:\n${output}`);
  const [report] = JSON.parse(output.slice(output.indexOf("["))) as readonly PackReport[];
  if (report === undefined) throw new BuildFailure(`${cannot}: npm reported no package`);
  const problems = contentProblems(
    report.name,
    report.files.map(({ path }) => path),
  );
  if (problems.length > 0) throw new BuildFailure(`${cannot}:\n${problems.join("\n")}`);
  return { packageName: report.name, path: join(destination, report.filename), sizeBytes: report.size };
}

/** Packs every package as it would be published. */
export async function packPackages(stage: StagedWorkspace, destination: string): Promise<readonly Tarball[]> {
  const tarballs: Tarball[] = [];
  for (const staged of stage.packages) tarballs.push(await packPackage(staged, destination));
  return tarballs;
}
