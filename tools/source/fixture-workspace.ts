import { sourceModule } from "./source-module.ts";
import type { Workspace, WorkspacePackage } from "./workspace.ts";

function fixturePackage(
  name: string,
  dependencies: readonly string[],
  devDependencies: readonly string[],
): WorkspacePackage {
  const versions = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((each) => [each, "1.0.0"]));
  const manifest = {
    name,
    version: "1.0.0",
    exports: { ".": { source: "./src/index.ts" }, "./one": { source: "./src/one/index.ts" } },
    dependencies: versions(dependencies),
    devDependencies: versions(devDependencies),
  };
  return { directory: `packages/${name.replace("@orlop/", "")}`, manifest };
}

/**
 * A checkout that exists only in memory, for the tests of the checks: packages of the stack's rows, each
 * with a manifest, and the given files.
 */
export function fixtureWorkspace(files: Readonly<Record<string, string>>): Workspace {
  const core = "@orlop/core";
  const kernel = "@orlop/kernel";
  const testkit = "@orlop/testkit";
  return {
    ownPaths: ["/srv/checkout"],
    rootManifest: { name: "workspace", version: "1.0.0", exports: {}, dependencies: {}, devDependencies: {} },
    packages: [
      fixturePackage(core, [], [testkit]),
      fixturePackage(kernel, [core], [testkit]),
      fixturePackage("@orlop/runtime", [core, kernel], [testkit]),
      fixturePackage("@orlop/snapshot", [core], []),
      fixturePackage("@orlop/engine", [core], []),
      fixturePackage("orlop", [core, kernel, "@orlop/runtime"], [testkit]),
      fixturePackage(testkit, [core, kernel], []),
    ],
    modules: Object.entries(files)
      .filter(([path]) => path.endsWith(".ts"))
      .map(([path, text]) => sourceModule(path, text)),
    texts: Object.entries(files)
      .filter(([path]) => !path.endsWith(".ts"))
      .map(([path, text]) => ({ path, text })),
  };
}
