import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { Template } from "./template.ts";
import { EXAMPLE, TEMPLATE_CASES } from "./template-cases-fixture.ts";
import { Dictionary, NIL_LIST, Struct, structOf, type Value } from "./value.ts";

const print = (template: string, value: Value = EXAMPLE): string => new Template(template).execute(value);

describe("a template prints what docker's client prints", () => {
  for (const [template, printed] of TEMPLATE_CASES) {
    test(template, () => assert.equal(print(template), printed));
  }
});

describe("a template is refused, with the place and the reason", () => {
  const refused: readonly [template: string, message: string][] = [
    ["{{.ID", "1:0: unclosed action"],
    ["{{.ID}", '1:5: unexpected "}" in command'],
    ["{{.ID)}}", '1:5: unexpected ")" in command'],
    ["a\nbé{{foo}}", '2:5: function "foo" not defined'],
    ["{{if .ID}}", "1:10: unexpected EOF: {{if}} has no {{end}}"],
    ["{{if}}x{{end}}", "1:4: missing value for command"],
    ["{{end}}", "1:2: unexpected {{end}}"],
    ["{{else}}", "1:2: unexpected {{else}}"],
    ["{{if .ID}}a{{else}}b{{else}}c{{end}}", "1:22: expected end; found {{else}}"],
    ["{{}}", "1:2: missing value for command"],
    ["{{$x}}", '1:2: undefined variable "$x"'],
    ["{{if true}}{{$x := 1}}{{end}}{{$x}}", '1:31: undefined variable "$x"'],
    ["{{$x = 1}}", '1:5: undefined variable "$x"'],
    ['{{"a}}', "1:2: unterminated quoted string"],
    ['{{"a"b}}', '1:5: unexpected "b" in operand'],
    ["{{.ID..Os}}", '1:5: unexpected "." in operand'],
    ["{{1.5.x}}", '1:2: unexpected . after term "1.5"'],
    ["{{08}}", '1:2: bad number syntax: "08"'],
    ["{{9223372036854775808}}", '1:2: integer overflow: "9223372036854775808"'],
    ["{{break}}", "1:2: {{break}} outside {{range}}"],
    ["{{range .RepoTags}}{{else}}{{continue}}{{end}}", "1:29: {{continue}} outside {{range}}"],
    ["{{range $a, $b, $c := .RepoTags}}{{end}}", "1:14: too many declarations in range"],
    ['{{define "x"}}{{end}}', "1:2: {{define}} is not supported here"],
    ["{{.ID | 1}}", "1:8: non executable command in pipeline stage 2"],
    ["{{(.ID}}", "1:2: unclosed left paren"],
    ["{{/* x}}", "1:2: unclosed comment"],
    ["{{/* x */ 1}}", "1:7: comment ends before closing delimiter"],
    ['{{"\\U00110000"}}', '1:2: invalid escape "\\\\U00110000" in string'],
  ];
  for (const [template, message] of refused) {
    test(template, () => {
      const wanted = `Cannot use format ${JSON.stringify(template)}: ${message}`;
      assert.throws(() => new Template(template), { name: "OrlopError", code: "invalid", message: wanted });
    });
  }
});

describe("a template fails at what does not fit, with the place and the reason", () => {
  const failing: readonly [template: string, message: string][] = [
    ["{{.RootFS.Nope}}", "1:2: at <.RootFS.Nope>: can't evaluate field Nope, there are Type, Layers"],
    ["{{.ID.Foo}}", "1:2: at <.ID.Foo>: can't evaluate field Foo in type string"],
    ["{{$x := 1}}{{$x.y}}", "1:13: at <$x.y>: can't evaluate field y in type int"],
    ["{{(index .Config.Labels `x`).y.z}}", "can't evaluate field y in type string"],
    ["{{.ID 1}}", "1:2: at <.ID>: .ID has arguments but cannot be invoked as function"],
    ["{{1 2}}", "1:2: at <1>: can't give argument to non-function 1"],
    ["{{nil}}", "nil is not a command"],
    ["{{lower 1}}", "error calling lower: wrong type for value; expected string; got int"],
    ["{{lower .Config.Labels.none}}", "error calling lower: wrong type for value; expected string; got nothing"],
    ["{{lower}}", "wrong number of args for lower: want 1 got 0"],
    ["{{printf}}", "wrong number of args for printf: want at least 1 got 0"],
    ["{{and}}", "wrong number of args for and: want at least 1 got 0"],
    ["{{index .RepoTags 5}}", "error calling index: index out of range: 5"],
    ["{{index .RepoTags -1}}", "error calling index: index out of range: -1"],
    ['{{index .RepoTags "a"}}', "error calling index: cannot index slice/array with type string"],
    ["{{index 1 1}}", "error calling index: can't index item of type int"],
    ["{{index nil 1}}", "error calling index: index of untyped nil"],
    ["{{slice .ID 5 1}}", "error calling slice: invalid slice index: 5 > 1"],
    ["{{slice .ID 0 500}}", "error calling slice: index out of range: 500"],
    ["{{slice .ID 0 1 2}}", "error calling slice: cannot 3-index slice a string"],
    ["{{slice 5 0}}", "error calling slice: can't slice item of type int"],
    ["{{len 1}}", "error calling len: len of type int"],
    ["{{len nil}}", "error calling len: len of nil pointer"],
    ['{{eq 1 "a"}}', "error calling eq: incompatible types for comparison"],
    ["{{eq 1}}", "error calling eq: missing argument for comparison"],
    ["{{eq .Config .RootFS}}", "error calling eq: non-comparable types"],
    ["{{lt true false}}", "error calling lt: invalid type for comparison"],
    ['{{join 1 ","}}', "error calling join: wrong type for value; expected slice; got int"],
    ['{{truncate "a" -1}}', "error calling truncate: a text cannot be truncated to -1 bytes"],
    ["{{range .ID}}{{end}}", "range can't iterate over sha256:0123456789abcdef"],
    ["{{range $i, $e := 3}}{{end}}", "can't use 3 to iterate over more than one variable"],
  ];
  for (const [template, message] of failing) {
    test(template, () => {
      const read = new Template(template);
      assert.throws(
        () => read.execute(EXAMPLE),
        (error: unknown) => error instanceof OrlopError && error.code === "invalid" && error.message.endsWith(message),
      );
    });
  }
});

describe("a template ends", () => {
  const endless: readonly [what: string, template: string, message: RegExp][] = [
    ["that repeats more often than anybody waits for", "{{range 1000000000000}}{{end}}", /it goes on for too long$/],
    [
      "that repeats in a repetition",
      `${"{{range 1000}}".repeat(9)}x${"{{end}}".repeat(9)}`,
      /it goes on for too long$/,
    ],
    ["whose text grows with each step", "{{$x := `ab`}}{{range 100}}{{$x = print $x $x}}{{end}}", /too long$/],
    ["that prints without an end", `{{range 1000000}}${"x".repeat(100)}{{end}}`, /it prints more than \d+ characters$/],
    ["that pads by billions", '{{pad "x" 1000000000 0}}', /a text is padded with 0 to 10000 spaces, not 1000000000$/],
    ["that prints in columns of billions", '{{printf "%1000000000d" 1}}', /takes a width of up to 10000/],
    ["that takes a width from an argument", '{{printf "%*d" 5 1}}', /printf takes no width from an argument$/],
    ["with parentheses in parentheses in ...", `{{${"(".repeat(5000)}1${")".repeat(5000)}}}`, /more than 100 inside/],
    ["with conditions in conditions in ...", "{{if 1}}".repeat(5000), /more than 100 inside each other$/],
    ["with one else if behind another", `{{if 0}}${"{{else if 0}}".repeat(4000)}{{end}}`, /more than 100 inside/],
    ["longer than anybody types", "x".repeat(70_000), /it is longer than 65536 characters$/],
  ];
  for (const [what, template, message] of endless) {
    test(what, () => assert.throws(() => print(template), { name: "OrlopError", message }));
  }
});

test("fields keep their names in JSON, and empty ones are left out where Go leaves them out", () => {
  const value = new Struct([
    { name: "ID", jsonName: "Id", value: "x" },
    { name: "Author", value: "", omitEmpty: true },
    { name: "Tags", value: NIL_LIST },
    { name: "Labels", value: new Dictionary(undefined) },
    { name: "Big", value: 12345678901234567890n },
  ]);
  assert.equal(print("{{json .}}", value), '{"Id":"x","Tags":null,"Labels":null,"Big":12345678901234567890}');
  assert.equal(print("{{.Id}}{{.ID}}[{{.Author}}]{{.Tags}}{{.Labels}}", value), "xx[][]map[]");
});

test("names of JavaScript's own are no fields", () => {
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
    assert.throws(() => print(`{{.${name}}}`), /can't evaluate field/);
    assert.throws(() => print(`{{${name} 1}}`), /not defined/);
    assert.equal(print(`{{.${name}}}`, new Dictionary([])), "<no value>");
  }
  assert.equal(print("{{.toString}}", structOf({ toString: "mine" })), "mine");
});

test("any text is a template or is refused, and ends", () => {
  const parts =
    '{{ }} {{- -}} . .ID .RepoTags .Config.Labels $ $x := = , | ( ) if else end range with break continue index len eq lt and or not printf print json split join title pad truncate slice "%d" "a b" `r` 0 1 -1 9e9 true nil /* */ x \n'.split(
      " ",
    );
  let state = 12345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let printed = 0;
  for (let round = 0; round < 20_000; round++) {
    const words = Array.from({ length: 1 + random(12) }, () => parts[random(parts.length)] ?? "");
    const text = random(2) === 0 ? words.join(" ") : `{{${words.join(" ")}}}`;
    try {
      print(text);
      printed += 1;
    } catch (error) {
      assert.ok(error instanceof OrlopError, `${JSON.stringify(text)}: ${error}`);
      assert.match(error.message, /^Cannot use format ".*": /s);
    }
  }
  assert.ok(printed > 100, `${printed} of them were templates`);
});
