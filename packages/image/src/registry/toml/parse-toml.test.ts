import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseToml } from "./parse-toml.ts";
import { TomlError } from "./toml-text.ts";

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

  const WRONG: readonly (readonly [string, RegExp])[] = [
    ["a = 1\na = 2", /^a second value for "a" in line 2$/],
    ["[a]\n[a]", /^a second table "a" in line 2$/],
    ["a = 1\n[a]", /^a second value for "a"/],
    ["a = {x = 1}\n[a.b]", /^a second value for "a"/],
    ["a = []\n[[a]]", /^a second value for "a"/],
    ["a = 1 b = 2", /^no "\n" where one has to be in line 1$/],
    ["= 1", /^no key where one has to be/],
    ["a", /^no "=" where one has to be/],
    ['a = "x', /^a string without an end/],
    ['a = "\\q"', /^an escape "\\q" that there is not/],
    ['a = "\\ud800"', /^an escape that is no character/],
    ["a = 1979-05-27", /^a value that cannot be read/],
    ["a = 01", /^a number "01" that cannot be read/],
    ["a = 1__0", /^a number "1__0" that cannot be read/],
    ["a = yes", /^a value that cannot be read/],
    ["a = [1", /^no "\]" where one has to be/],
    ["a = \0", /^a control character in line 1$/],
    [`a = ${"[".repeat(40)}`, /^too many values in each other/],
  ];
  for (const [text, message] of WRONG) {
    test(`${JSON.stringify(text.slice(0, 30))} is refused`, () => {
      assert.throws(
        () => parseToml(text),
        (error) => error instanceof TomlError && message.test(error.message),
      );
    });
  }

  test("with keys that objects have is no trap", () => {
    const table = parseToml("[__proto__]\nx = 1\n[constructor]\ny = 2");
    assert.deepEqual(Object.keys(table), ["__proto__", "constructor"]);
    assert.equal(({} as Record<string, unknown>).x, undefined);
  });

  test("of any text ends with a table or a refusal", () => {
    const parts = [
      "a",
      ".",
      "=",
      "[",
      "]",
      "[[",
      "]]",
      '"',
      "'",
      '"""',
      "\\",
      "\n",
      " ",
      "1",
      "_",
      "{",
      "}",
      ",",
      "#",
      "true",
    ];
    let state = 3;
    for (let round = 0; round < 20_000; round++) {
      let text = "";
      for (let length = round % 14; length >= 0; length--) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        text += parts[(state >>> 16) % parts.length];
      }
      try {
        parseToml(text);
      } catch (error) {
        assert.ok(error instanceof TomlError, `${JSON.stringify(text)}: ${error}`);
      }
    }
  });
});
