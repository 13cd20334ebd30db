import assert from "node:assert/strict";
import { test } from "node:test";
import { whyAbsent } from "./absent-commands.ts";
import { COMMANDS, GROUPS } from "./command-table.ts";

test("no command that there is is told to be absent", () => {
  const words = ({ name, aliases = [] }: { readonly name: string; readonly aliases?: readonly string[] }) => [
    name,
    ...aliases,
  ];
  const paths = [
    ...COMMANDS.flatMap(words),
    ...GROUPS.flatMap((group) => [group.name, ...group.commands.flatMap(words).map((word) => `${group.name} ${word}`)]),
  ];
  assert.deepEqual(
    paths.filter((path) => whyAbsent(path) !== undefined),
    [],
  );
  assert.match(whyAbsent("build") ?? "", /^images are not built here/);
  for (const other of ["cleanup", "container cleanup", "network reload", "image search", "auto-update", "artifact"]) {
    assert.notEqual(whyAbsent(other), undefined, other);
  }
  assert.equal(whyAbsent("constructor"), undefined);
});
