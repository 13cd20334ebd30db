/**
 * The stack from top to bottom (docs/ARCHITECTURE.md). A package imports only from rows below its own;
 * packages that share a row never import each other.
 */
export const packageRows: readonly (readonly string[])[] = [
  ["orlop"],
  ["@orlop/cri", "@orlop/docker", "@orlop/containerd"],
  ["@orlop/engine"],
  ["@orlop/vm", "@orlop/sentry", "@orlop/wasm"],
  ["@orlop/runtime"],
  ["@orlop/network"],
  ["@orlop/snapshot"],
  ["@orlop/image"],
  ["@orlop/kernel"],
  ["@orlop/core"],
];

/** Names implementations and wires them together; the only package that may. */
export const compositionRoot = "orlop";

/**
 * Packages that implement contracts of core. What stands above them works with the contract and is handed
 * the implementation by the composition root.
 */
export const implementationPackages: ReadonlySet<string> = new Set([
  "@orlop/vm",
  "@orlop/sentry",
  "@orlop/wasm",
  "@orlop/runtime",
  "@orlop/network",
  "@orlop/snapshot",
]);

/** Rows whose packages receive implementations instead of importing them. */
export const contractUsers: ReadonlySet<string> = new Set([
  "@orlop/cri",
  "@orlop/docker",
  "@orlop/containerd",
  "@orlop/engine",
]);

/** The conformance suites: outside the rows, imported only by tests. */
export const testkitPackage = "@orlop/testkit";

/** What testkit may import: it must not drag an implementation into another implementation's tests. */
export const testkitImports: ReadonlySet<string> = new Set(["@orlop/core", "@orlop/kernel"]);

/** The package that does no I/O, and the modules of Node that it may therefore use. */
export const pureFoundation = "@orlop/core";
export const pureNodeModules: ReadonlySet<string> = new Set([
  "node:assert",
  "node:assert/strict",
  "node:buffer",
  "node:crypto",
  "node:events",
  "node:path",
  "node:path/posix",
  "node:string_decoder",
  "node:url",
  "node:util",
  "node:util/types",
]);

/** The row of a package, 0 at the top; undefined for a package that is not in the stack. */
export function rowOf(packageName: string): number | undefined {
  const row = packageRows.findIndex((names) => names.includes(packageName));
  return row === -1 ? undefined : row;
}
