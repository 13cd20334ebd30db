import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const KINDS = ["environment", "difference on purpose", "not done yet"];

test("every case of a public suite that fails has one row, with the kind of its reason and the reason itself", () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".json"));
  assert.ok(files.length > 0);
  for (const name of files) {
    const rows = JSON.parse(readFileSync(join(import.meta.dirname, name), "utf8")) as readonly Record<string, string>[];
    const seen = new Set<string>();
    for (const row of rows) {
      const { suite = "", file = "", case: title = "", kind = "", reason = "" } = row;
      assert.deepEqual(Object.keys(row), ["suite", "file", "case", "kind", "reason"]);
      assert.ok(suite !== "" && title !== "" && reason !== "" && KINDS.includes(kind), JSON.stringify(row));
      assert.ok(!seen.has(`${file} ${title}`), `${name} has "${title}" of ${file} twice`);
      seen.add(`${file} ${title}`);
    }
  }
});
