import type { SnapshotChange } from "@orlop/snapshot";

export type ChangesFormat = "text" | "json";

const LETTERS: Readonly<Record<SnapshotChange["kind"], string>> = { added: "A", changed: "C", deleted: "D" };

/** Changes with absolute paths: a line for each as docker has them, or podman's JSON. */
export function changesText(changes: readonly SnapshotChange[], format: ChangesFormat): string {
  if (format === "text") return changes.map(({ kind, path }) => `${LETTERS[kind]} ${path}\n`).join("");
  const kinds = Object.groupBy(changes, ({ kind }) => kind);
  const paths = Object.entries(kinds).map(([kind, found]) => [kind, found.map(({ path }) => path)]);
  return `${JSON.stringify(Object.fromEntries(paths))}\n`;
}
