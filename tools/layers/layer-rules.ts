import { isBuiltin } from "node:module";
import { posix } from "node:path";
import type { ModuleImport } from "../source/module-imports.ts";
import type { Problem } from "../source/problem.ts";
import type { SourceModule } from "../source/source-module.ts";
import type { Workspace, WorkspacePackage } from "../source/workspace.ts";
import {
  compositionRoot,
  contractUsers,
  implementationPackages,
  packageRows,
  pureFoundation,
  pureNodeModules,
  rowOf,
  testkitImports,
  testkitPackage,
} from "./package-rows.ts";

/** A module together with the package it belongs to; `owner` is undefined for `tools`. */
interface Importer {
  readonly module: SourceModule;
  readonly owner: WorkspacePackage | undefined;
  readonly workspace: Workspace;
}

/** `@orlop/kernel/netlink` is package `@orlop/kernel` and subpath `./netlink`. */
function splitSpecifier(specifier: string): { packageName: string; subpath: string } {
  const parts = specifier.split("/");
  const length = specifier.startsWith("@") ? 2 : 1;
  const rest = parts.slice(length).join("/");
  return { packageName: parts.slice(0, length).join("/"), subpath: rest === "" ? "." : `./${rest}` };
}

function relativeProblem({ module, owner }: Importer, specifier: string): string | undefined {
  const base = owner?.directory ?? "tools";
  const target = posix.join(posix.dirname(module.path), specifier);
  if (target === base || target.startsWith(`${base}/`)) return undefined;
  return `imports "${specifier}", which is outside ${base}: import the other package by its name`;
}

function nodeModuleProblem({ module, owner }: Importer, specifier: string): string | undefined {
  if (!specifier.startsWith("node:")) return `imports "${specifier}": write "node:${specifier}"`;
  if (owner?.manifest.name !== pureFoundation || module.isTest || pureNodeModules.has(specifier)) return undefined;
  return `imports "${specifier}": ${pureFoundation} does no I/O; move the code to the package that needs it`;
}

/** Why a package may not stand on another, or undefined when it may. Used for imports and for manifests. */
function directionProblem(from: string, to: string): string | undefined {
  const toRow = rowOf(to);
  if (to === testkitPackage) return "testkit is imported only by tests (*.test.ts, *-fixture.ts)";
  if (toRow === undefined) return "it is not in the table of rows (tools/layers/package-rows.ts)";
  if (from === testkitPackage) {
    return testkitImports.has(to) ? undefined : `testkit imports only ${[...testkitImports].join(" and ")}`;
  }
  const fromRow = rowOf(from);
  if (fromRow === undefined) return `"${from}" is not in the table of rows (tools/layers/package-rows.ts)`;
  if (toRow === fromRow) return `both stand in the row "${packageRows[toRow]?.join(", ")}"`;
  if (toRow < fromRow) return "it stands above; imports only go down. Put the contract into a package below both";
  if (implementationPackages.has(to) && contractUsers.has(from)) {
    return `only ${compositionRoot} names implementations; take the contract from ${pureFoundation} as an argument`;
  }
  return undefined;
}

function declarationProblem({ module, owner, workspace }: Importer, packageName: string): string | undefined {
  const manifest = owner?.manifest ?? workspace.rootManifest;
  if (Object.hasOwn(manifest.dependencies, packageName)) return undefined;
  const devAllowed = module.isTest || owner === undefined;
  if (devAllowed && Object.hasOwn(manifest.devDependencies, packageName)) return undefined;
  if (owner === undefined && workspace.packages.some((each) => each.manifest.name === packageName)) return undefined;
  const field = devAllowed ? "devDependencies" : "dependencies";
  const path = owner === undefined ? "package.json" : `${owner.directory}/package.json`;
  return `imports "${packageName}", which "${field}" in ${path} does not name`;
}

function exportsProblem(target: WorkspacePackage, specifier: string, subpath: string): string | undefined {
  if (Object.hasOwn(target.manifest.exports, subpath)) return undefined;
  return `imports "${specifier}": ${target.manifest.name} does not export "${subpath}"; use what its index.ts lists`;
}

/** An implementation's folder (`@orlop/snapshot/erofs`) is for the composition root and for tests. */
function subpathProblem({ module, owner }: Importer, packageName: string, specifier: string): string | undefined {
  const from = owner?.manifest.name;
  const allowed = module.isTest || from === undefined || from === compositionRoot || from === packageName;
  if (allowed || !implementationPackages.has(packageName)) return undefined;
  return `imports "${specifier}": only ${compositionRoot} names implementations`;
}

function packageProblem(importer: Importer, specifier: string): string | undefined {
  const { module, owner, workspace } = importer;
  const { packageName, subpath } = splitSpecifier(specifier);
  const target = workspace.packages.find((each) => each.manifest.name === packageName);
  const own = owner?.manifest.name;
  // The name of one's own package goes through its exports and is fine; so is testkit in a test.
  if (owner !== undefined && own !== undefined && target !== undefined && packageName !== own) {
    const testkitInTest = module.isTest && packageName === testkitPackage;
    const direction = testkitInTest ? undefined : directionProblem(own, packageName);
    if (direction !== undefined) return `imports "${specifier}": ${direction}`;
  }
  const undeclared = packageName === own ? undefined : declarationProblem(importer, packageName);
  if (undeclared !== undefined) return undeclared;
  if (target === undefined) return undefined;
  const hidden = exportsProblem(target, specifier, subpath);
  return hidden ?? (subpath === "." ? undefined : subpathProblem(importer, packageName, specifier));
}

function importProblem(importer: Importer, found: ModuleImport): string | undefined {
  const { specifier } = found;
  if (specifier === undefined) {
    // Tests load fixtures they have just written; a package's imports must be readable without running it.
    return importer.module.isTest || importer.owner === undefined
      ? undefined
      : "imports a computed name, which this check cannot follow: write the name as a string";
  }
  if (specifier.startsWith(".")) return relativeProblem(importer, specifier);
  if (specifier.startsWith("/") || specifier.startsWith("file:")) return `imports the absolute path "${specifier}"`;
  if (isBuiltin(specifier)) return nodeModuleProblem(importer, specifier);
  return packageProblem(importer, specifier);
}

/** A manifest that names a package above its own, or another version than the workspace's. */
function manifestProblems(workspace: Workspace): readonly Problem[] {
  return workspace.packages.flatMap(({ directory, manifest }) => {
    const messages: string[] = [];
    const { version } = workspace.rootManifest;
    if (manifest.version !== version) messages.push(`version is "${manifest.version}", the workspace is "${version}"`);
    for (const [name, wanted] of Object.entries(manifest.dependencies)) {
      if (!workspace.packages.some((each) => each.manifest.name === name)) continue;
      const direction = directionProblem(manifest.name, name);
      if (direction !== undefined) messages.push(`depends on "${name}": ${direction}`);
      if (wanted !== version) messages.push(`wants ${name} "${wanted}"; versions move in lockstep, write "${version}"`);
    }
    return messages.map((message): Problem => ({ path: `${directory}/package.json`, message, severity: "error" }));
  });
}

/** Checks that every import goes down the rows, through manifests and through exports. Types count. */
export function checkLayers(workspace: Workspace): readonly Problem[] {
  const problems: Problem[] = [...manifestProblems(workspace)];
  for (const module of workspace.modules) {
    const owner = workspace.packages.find((each) => module.path.startsWith(`${each.directory}/`));
    const importer: Importer = { module, owner, workspace };
    for (const found of module.imports) {
      const message = importProblem(importer, found);
      if (message === undefined) continue;
      problems.push({ path: module.path, line: module.lineAt(found.start), message, severity: "error" });
    }
  }
  return problems;
}
