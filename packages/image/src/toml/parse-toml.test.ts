import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isTomlTable, parseToml } from "./parse-toml.ts";

const read = (text: string): unknown => JSON.parse(JSON.stringify(parseToml(text)));

describe("TOML", () => {
  test("of every form that configuration has is read", () => {
    const text = `
# a comment
title = "a \\"b\\" \\u00e9" # another
'lit.eral' = 'c:\\d'
a.b . c = 1_000
on = true
off=false
hex = 0xff
float = -1.5e3
long = """
one \\
   two
"quoted"" """
raw = '''
x\\y'''
list = [ "a", # why
  "b",
]
pairs = [["a", "b"], ["c", "d"]]
inline = { x = 1, y.z = "2" }

[host."https://mirror.example:5000"]
capabilities = ["pull", "resolve"]
  [host."https://mirror.example:5000".header]
  x-key = ["1"]

[[registry]]
prefix = "a"
[[registry.mirror]]
location = "b"
[[registry.mirror]]
location = "c"
[[registry]]
prefix = "d"\r
`;
    assert.deepEqual(read(text), {
      title: 'a "b" é',
      "lit.eral": "c:\\d",
      a: { b: { c: 1000 } },
      on: true,
      off: false,
      hex: 255,
      float: -1500,
      long: 'one two\n"quoted"" ',
      raw: "x\\y",
      list: ["a", "b"],
      pairs: [
        ["a", "b"],
        ["c", "d"],
      ],
      inline: { x: 1, y: { z: "2" } },
      host: { "https://mirror.example:5000": { capabilities: ["pull", "resolve"], header: { "x-key": ["1"] } } },
      registry: [{ prefix: "a", mirror: [{ location: "b" }, { location: "c" }] }, { prefix: "d" }],
    });
  });

  const WRONG: readonly (readonly [string, number])[] = [
    ["a = 1\na = 2", 2],
    ["[a]\n[a]", 2],
    ["a = 1\n[a]", 2],
    ["a = 1 b = 2", 1],
    ['a = "x', 1],
    ["\na = yes", 2],
    [`a = ${"[".repeat(40)}`, 1],
  ];
  for (const [text, line] of WRONG) {
    test(`${JSON.stringify(text.slice(0, 30))} is refused, with its line`, () => {
      assert.throws(() => parseToml(text), { name: "SyntaxError", message: new RegExp(`^line ${line}: .`) });
    });
  }

  test("with keys that objects have is no trap", () => {
    const table = parseToml("[__proto__]\nx = 1\n[constructor]\ny = 2");
    assert.deepEqual(Object.keys(table), ["__proto__", "constructor"]);
    assert.equal(({} as Record<string, unknown>).x, undefined);
  });

  test("has dates, which are no tables", () => {
    assert.deepEqual(
      Object.values(parseToml("a = 1979-05-27\nb = {}")).map((value) => isTomlTable(value)),
      [false, true],
    );
  });
});
