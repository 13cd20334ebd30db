import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { type CommandValue, commandWordsOf, shellLineOf } from "./command-template.ts";

const words = (texts: TemplateStringsArray, ...values: readonly CommandValue[]): readonly string[] =>
  commandWordsOf(texts, values);

describe("the words of a command in a template", () => {
  test("are split at white space, and kept together by quotes", () => {
    assert.deepEqual(
      words`  ls  -l
      /tmp `,
      ["ls", "-l", "/tmp"],
    );
    assert.deepEqual(words`a 'b c' "d 'e" x"y z"w ''`, ["a", "b c", "d 'e", "xy zw", ""]);
  });

  test("take a value as it is, whatever it holds", () => {
    for (const value of ["", " ", "a b", "'", '"', "$(reboot); `x` | y > /z", "--flag", "*", "\n"]) {
      assert.deepEqual(words`echo ${value}`, ["echo", value]);
      assert.deepEqual(words`echo --x=${value}.y`, ["echo", `--x=${value}.y`]);
      assert.deepEqual(words`echo "a ${value} b"`, ["echo", `a ${value} b`]);
    }
    assert.deepEqual(words`sleep ${1.5}`, ["sleep", "1.5"]);
  });

  test("take an array as words of its own", () => {
    assert.deepEqual(words`echo ${["a b", 7]} c`, ["echo", "a b", "7", "c"]);
    assert.deepEqual(words`echo ${[]}`, ["echo"]);
    assert.throws(() => words`echo x${["a"]}`, { code: "invalid", message: /words of its own/ });
    assert.throws(() => words`echo ${["a"]}x`, { code: "invalid", message: /words of its own/ });
  });

  test("are refused where they look like a shell's", () => {
    for (const character of "|&;<>()$`\\") {
      const text = ["ls ", "", " x"].map((each, index) => (index === 1 ? character : each)).join("");
      assert.throws(() => commandWordsOf([text], []), { code: "invalid", message: /shell only/ }, character);
      assert.deepEqual(commandWordsOf([`ls '${character}'`], []), ["ls", character]);
    }
  });

  test("are refused when there are none, a quote is open, or a value is something else", () => {
    assert.throws(() => words` `, { code: "invalid", message: /it is empty/ });
    assert.throws(() => words`echo "a`, { code: "invalid", message: /is not closed/ });
    assert.throws(() => commandWordsOf(["echo ", ""], [{} as string]), { code: "invalid", message: /not object/ });
  });
});

describe("a line of a shell in a template", () => {
  const sh = (texts: TemplateStringsArray, ...values: readonly string[]): string =>
    execFileSync("/bin/sh", ["-c", shellLineOf(texts), "sh", ...values], { encoding: "utf8" });

  test("has its values as they are, in quotes of either kind and in none", () => {
    for (const value of ["a  b", "*", "'", '"', "$(echo no)", "`echo no`", "; echo no", "\\", "$HOME", "-n"]) {
      assert.equal(sh`printf '[%s]' ${value}`, `[${value}]`);
      assert.equal(sh`printf '[%s]' "x ${value} y" | cat`, `[x ${value} y]`);
      assert.equal(sh`printf '%s' 'x ${value} y'`, `x ${value} y`);
      assert.equal(sh`printf '%s' \\'${value}\\"${value}`, `'${value}"${value}`);
    }
  });

  test("has as many as there are", () => {
    const texts: readonly string[] = ["printf %s, ", ...Array<string>(11).fill(" "), ""];
    const values = Array.from({ length: 12 }, (_, index) => String(index));
    assert.equal(sh(texts as unknown as TemplateStringsArray, ...values), `${values.join(",")},`);
  });
});
