import { globSync } from "node:fs";

/** The test files of the checkout by what they need. Paths from its root, sorted. */
interface TestFiles {
  /** `x.test.ts`: runs anywhere, without privileges. */
  readonly unit: readonly string[];
  /** Those of `unit` that are not `x.long.test.ts`: what takes seconds, with servers or many processes. */
  readonly quick: readonly string[];
  /** `x.root.test.ts`: needs root, and skips with its reason elsewhere. */
  readonly root: readonly string[];
  /** `x.rootless.test.ts`: must run as an ordinary user; touches the real kernel. */
  readonly rootless: readonly string[];
}

/** Takes seconds. */
export function isLong(path: string): boolean {
  return path.endsWith(".long.test.ts");
}

/** Finds the test files under `packages` and `tools` whose path contains one of `filters` (all when empty). */
export function findTestFiles(root: string, filters: readonly string[] = []): TestFiles {
  const files = globSync(["packages/*/src/**/*.test.ts", "tools/**/*.test.ts"], { cwd: root })
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort();
  const needing = (mark: string): readonly string[] => files.filter((path) => path.endsWith(mark));
  const unit = files.filter((path) => !/\.(root|rootless)\.test\.ts$/.test(path));
  return {
    unit,
    quick: unit.filter((path) => !isLong(path)),
    root: needing(".root.test.ts"),
    rootless: needing(".rootless.test.ts"),
  };
}
