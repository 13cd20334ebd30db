import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runCommand } from "../steps/run-command.ts";
import { BuildFailure } from "./build-failure.ts";
import type { Tarball } from "./pack-packages.ts";
import type { StagedPackage } from "./staged-workspace.ts";

async function mustRun(what: string, file: string, args: readonly string[], cwd: string): Promise<string> {
  const { exitCode, output } = await runCommand(file, args, { cwd });
  if (exitCode !== 0) throw new BuildFailure(`${what} failed:\n${output}`);
  return output;
}

/** A user's compiler reads our declarations with its own options; ours must not be needed. */
function writeUserProject(directory: string, specifiers: readonly string[]): void {
  const lines = specifiers.map(
    (specifier, index) => `import type * as p${index} from "${specifier}";\nexport type P${index} = typeof p${index};`,
  );
  writeFileSync(join(directory, "user.ts"), lines.join("\n"));
  const compilerOptions = { strict: true, noEmit: true, module: "nodenext", target: "es2024", types: ["node"] };
  const lib = ["es2024", "esnext.disposable"];
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...compilerOptions, lib }, files: ["user.ts"] }),
  );
}

/**
 * Unpacks the tarballs as an install would, and uses them as a user would: imports every export, compiles
 * against the declarations, and runs the command line.
 */
export async function tryInstall(
  root: string,
  directory: string,
  packages: readonly StagedPackage[],
  tarballs: readonly Tarball[],
): Promise<void> {
  for (const { packageName, path } of tarballs) {
    const target = join(directory, "node_modules", packageName);
    mkdirSync(target, { recursive: true });
    await mustRun(`unpacking ${packageName}`, "tar", ["-xzf", path, "--strip-components=1", "-C", target], directory);
  }
  const specifiers = packages.flatMap(({ manifest }) =>
    Object.keys(manifest.exports).map((subpath) => manifest.name + subpath.slice(1)),
  );
  writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
  for (const specifier of specifiers) {
    const script = `await import(${JSON.stringify(specifier)})`;
    await mustRun(`importing ${specifier}`, process.execPath, ["--input-type=module", "-e", script], directory);
  }
  writeUserProject(directory, specifiers);
  const tsc = join(root, "node_modules", ".bin", "tsc");
  await mustRun("compiling against the declarations", tsc, ["-p", ".", "--pretty", "false"], directory);
  const start = join("node_modules", "orlop", "bin", "start.cjs");
  const printed = await mustRun("orlop version", process.execPath, [start, "version"], directory);
  const version = packages.find(({ manifest }) => manifest.name === "orlop")?.manifest.version ?? "";
  if (!printed.includes(version)) throw new BuildFailure(`orlop version printed "${printed}" without ${version}`);
  for (const staged of packages) await tryCommands(directory, staged);
}

/** Each command by the link that an install makes, with the Node that builds. */
async function tryCommands(directory: string, { manifest }: StagedPackage): Promise<void> {
  const links = join(directory, "node_modules", ".bin");
  mkdirSync(links, { recursive: true });
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, ORLOP_OCI_RESIDENT: "0" };
  for (const [name, file] of Object.entries(manifest.bin ?? {})) {
    const link = join(links, name);
    symlinkSync(join("..", manifest.name, file), link);
    const { exitCode, output } = await runCommand(link, ["--version"], { cwd: directory, env });
    const isRight = exitCode === 0 && output.includes(manifest.version);
    if (!isRight)
      throw new BuildFailure(`${name} --version, installed, printed "${output}" without ${manifest.version}`);
  }
}
