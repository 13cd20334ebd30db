import assert from "node:assert/strict";
import { test } from "node:test";
import { OutputFormat } from "./output-format.ts";
import { printable } from "./printable.ts";
import { structOf } from "./template/value.ts";

test("what a terminal would take for orders is shown as escapes", () => {
  assert.equal(printable("\x1b[31mred\x07\r\n\tü 字\x9b2J\x7f"), "\\x1b[31mred\\x07\\x0d\n\tü 字\\x9b2J\\x7f");
});

test("a table has one line for each row, whatever stands in it; a template has the text as it is", () => {
  const row = structOf({ Image: "a\nb\t\x1b[2J" }, { Label: (name) => `${name}\n\x1b` });
  const text = (format: string): string => new OutputFormat(format, "{{.Image}}").text([row], { Image: "IMAGE" });
  assert.equal(text("table"), "IMAGE\na\\nb\\t\\x1b[2J\n");
  assert.equal(text('table {{.Label "x"}}').split("\n")[1], "x\\n\\x1b");
  assert.equal(text("{{.Image}}"), "a\nb\t\x1b[2J\n");
});
