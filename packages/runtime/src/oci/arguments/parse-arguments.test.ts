import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseByteSize } from "./byte-size.ts";
import { parseDuration } from "./duration.ts";
import type { Flag } from "./flag.ts";
import { parseArguments } from "./parse-arguments.ts";

const FLAGS: readonly Flag[] = [
  { name: "force", short: "f", kind: "switch", help: "" },
  { name: "bundle", short: "b", kind: "text", help: "" },
  { name: "env", short: "e", kind: "list", help: "" },
  { name: "gids", short: "g", kind: "integers", help: "" },
  { name: "preserve-fds", kind: "integer", help: "" },
  { name: "interval", kind: "duration", help: "" },
];

const parse = (...args: readonly string[]) => parseArguments(FLAGS, args, { stopAtPositional: false });

describe("flags", () => {
  test("have one dash or two, and a value behind = or in the next word", () => {
    for (const args of [["--bundle", "x"], ["-bundle", "x"], ["--bundle=x"], ["-bundle=x"], ["-b", "x"], ["--b=x"]]) {
      assert.equal(parse(...args).text("bundle"), "x", args.join(" "));
    }
  });

  test("may follow other words, until --", () => {
    const given = parse("id", "--force", "more", "--", "--bundle", "-f");
    assert.ok(given.isOn("force"));
    assert.deepEqual(given.positional, ["id", "more", "--bundle", "-f"]);
  });

  test("end at the first other word where the rest is somebody else's", () => {
    const given = parseArguments(FLAGS, ["-f", "id", "-b", "--", "x"], { stopAtPositional: true });
    assert.deepEqual([given.isOn("force"), given.positional], [true, ["id", "-b", "--", "x"]]);
  });

  test("that are switches take a value only behind =", () => {
    const given = parse("--force", "false");
    assert.deepEqual([given.isOn("force"), given.positional], [true, ["false"]]);
    assert.equal(parse("-f", "-f=F").isOn("force"), false);
    assert.equal(parse("--force=1").isOn("force"), true);
  });

  test("keep what follows the first = of a value, an empty value, and one that looks like a flag", () => {
    assert.deepEqual(parse("-e", "A=b=c", "--env=B=", "-e", "--x").list("env"), ["A=b=c", "B=", "--x"]);
    const given = parse("--bundle=");
    assert.deepEqual([given.text("bundle"), given.filledText("bundle"), given.has("bundle")], ["", undefined, true]);
  });

  test("give numbers, also several in one word", () => {
    assert.deepEqual(parse("-g", "1,2", "--gids=3").integers("gids"), [1, 2, 3]);
    assert.equal(parse("--preserve-fds", "3").integer("preserve-fds"), 3);
  });

  test("ask for help under either name", () => {
    for (const word of ["-h", "--help", "-help", "--h"]) assert.ok(parse("id", word).isHelpWanted, word);
    assert.equal(parse("-").isHelpWanted, false);
  });
});

describe("a bad command line", () => {
  const cases: readonly [args: readonly string[], message: string][] = [
    [["--nope"], "flag provided but not defined: -nope"],
    [["-nope=1"], "flag provided but not defined: -nope"],
    // No switches in one word, and no value right behind a letter.
    [["-fb"], "flag provided but not defined: -fb"],
    [["-bdir"], "flag provided but not defined: -bdir"],
    [["--bundle"], "flag needs an argument: -bundle"],
    [["-b"], "flag needs an argument: -b"],
    [["--force=maybe"], 'invalid boolean value "maybe" for -force: parse error'],
    [["--preserve-fds", "3x"], 'invalid value "3x" for flag -preserve-fds: parse error'],
    [["--preserve-fds="], 'invalid value "" for flag -preserve-fds: parse error'],
    [["-g", "1,x"], 'invalid value "1,x" for flag -g: parse error'],
    [["--interval", "5"], 'invalid value "5" for flag -interval: it is no duration such as 5s or 100ms'],
    [["---force"], "bad flag syntax: ---force"],
    [["--=x"], "bad flag syntax: --=x"],
  ];
  for (const [args, message] of cases) {
    test(`is refused: ${args.join(" ")}`, () => {
      assert.throws(() => parse(...args), { name: "OrlopError", code: "invalid", message });
    });
  }
});

test("durations are Go's", () => {
  const cases: readonly [text: string, ms: number | undefined][] = [
    ["5s", 5000],
    ["100ms", 100],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    [".5s", 500],
    ["250us", 0.25],
    ["0", 0],
    ["-1s", -1000],
    ["", undefined],
    ["5", undefined],
    ["s", undefined],
    ["5s5", undefined],
    ["5 s", undefined],
    [".s", undefined],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
});

test("sizes count in powers of 1024", () => {
  const cases: readonly [text: string, bytes: bigint | undefined][] = [
    ["0", 0n],
    ["67108864", 67_108_864n],
    ["64m", 67_108_864n],
    ["64MB", 67_108_864n],
    ["64 MiB", 67_108_864n],
    ["1.5g", 1_610_612_736n],
    ["12b", 12n],
    ["9007199254740993", 9_007_199_254_740_993n],
    ["1e3", undefined],
    ["m", undefined],
    ["-1m", undefined],
    ["64mm", undefined],
  ];
  for (const [text, bytes] of cases) assert.equal(parseByteSize(text), bytes, text);
});
