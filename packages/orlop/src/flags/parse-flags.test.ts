import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OrlopError } from "@orlop/core";
import type { FlagTable } from "./flag.ts";
import { parseFlags } from "./parse-flags.ts";

const table: FlagTable = {
  flags: [
    { name: "interactive", short: "i", help: "" },
    { name: "tty", short: "t", help: "" },
    { name: "env", short: "e", value: "list", help: "" },
    { name: "memory", short: "m", value: "bytes", help: "" },
    { name: "network", aliases: ["net"], value: "network", help: "" },
  ],
  refused: [{ name: "publish", short: "p", reason: "ports come later" }],
};

const parse = (...args: readonly string[]) => parseFlags(table, args);

describe("flags", () => {
  test("have -h for help where it is nothing else", () => {
    assert.equal(parse("-h").isHelpWanted, true);
    const named: FlagTable = { flags: [{ name: "hostname", short: "h", value: "name", help: "" }] };
    const flags = parseFlags(named, ["-h", "x"]);
    assert.deepEqual([flags.isHelpWanted, flags.text("hostname")], [false, "x"]);
    const refused: FlagTable = { flags: [], refused: [{ name: "hard", short: "h", reason: "it is hard" }] };
    assert.throws(() => parseFlags(refused, ["-h"]), /it is hard/);
  });

  test("take their value from the same word or from the next", () => {
    for (const args of [["--memory", "1g"], ["--memory=1g"], ["-m", "1g"], ["-m1g"], ["-m=1g"]]) {
      assert.equal(parse(...args).text("memory"), "1g", args.join(" "));
    }
  });

  test("stand for nothing with an empty value where that is said, and only there", () => {
    const named: FlagTable = {
      flags: [
        { name: "name", short: "n", value: "name", emptyIsNone: true, help: "" },
        { name: "entrypoint", value: "program", help: "" },
      ],
    };
    for (const args of [["--name", ""], ["--name="], ["-n", ""], ["-n="], ["-n", "x", "-n", ""]]) {
      assert.equal(parseFlags(named, args).has("name"), false, args.join(" "));
    }
    assert.equal(parseFlags(named, ["-n", "", "-n", "x"]).text("name"), "x");
    assert.equal(parseFlags(named, ["--entrypoint", ""]).text("entrypoint"), "");
  });

  test("keep an equals sign that belongs to the value", () => {
    for (const args of [["--env=A=b=c"], ["--env", "A=b=c"], ["-eA=b=c"], ["-e=A=b=c"]]) {
      assert.deepEqual(parse(...args).list("env"), ["A=b=c"], args.join(" "));
    }
  });

  test("take an empty value, and a value that looks like a flag", () => {
    assert.equal(parse("--memory=").text("memory"), "");
    assert.equal(parse("--memory", "").text("memory"), "");
    assert.equal(parse("--memory", "-1").text("memory"), "-1");
    assert.equal(parse("-m", "--tty").text("memory"), "--tty");
  });

  test("gather switches in one word, and a last one with a value", () => {
    const flags = parse("-itm", "1g", "host");
    assert.deepEqual([flags.isOn("interactive"), flags.isOn("tty"), flags.text("memory")], [true, true, "1g"]);
    assert.equal(parse("-itm1g").text("memory"), "1g");
  });

  test("switch off", () => {
    for (const off of ["-t=false", "--tty=false", "--tty=0", "--tty=F"])
      assert.equal(parse("-t", off).isOn("tty"), false);
    assert.equal(parse("-it=false").isOn("interactive"), true);
    assert.equal(parse("--tty=1").isOn("tty"), true);
  });

  test("do not take the next word as the value of a switch", () => {
    const flags = parse("--tty", "false");
    assert.deepEqual([flags.isOn("tty"), flags.positional], [true, ["false"]]);
  });

  test("give lists in order, and of single values the last", () => {
    const flags = parse("-e", "A=1", "--env", "B=2", "-m", "1", "-m", "2");
    assert.deepEqual([flags.list("env"), flags.text("memory")], [["A=1", "B=2"], "2"]);
  });

  test("end at the first word that is none, at -- and at -", () => {
    assert.deepEqual(parse("-i", "host", "-t", "--", "x").positional, ["host", "-t", "--", "x"]);
    assert.deepEqual(parse("-i", "--", "-t", "--").positional, ["-t", "--"]);
    assert.deepEqual(parse("-i", "-", "-t").positional, ["-", "-t"]);
    assert.deepEqual(parse().positional, []);
  });

  test("stand behind other words where the command takes them there", () => {
    const anywhere: FlagTable = { ...table, flagsAnywhere: true };
    const flags = parseFlags(anywhere, ["a", "-i", "-", "-m", "1g", "b", "--", "-t", "--"]);
    assert.deepEqual(flags.positional, ["a", "-", "b", "-t", "--"]);
    assert.deepEqual([flags.isOn("interactive"), flags.isOn("tty"), flags.text("memory")], [true, false, "1g"]);
  });

  test("answer to another spelling", () => {
    assert.equal(parse("--net=none").text("network"), "none");
  });

  test("say which of several values cannot be parsed", () => {
    const refuse = (value: string): string => {
      if (value === "bad") throw new OrlopError("invalid", "it is bad");
      return value;
    };
    assert.throws(() => parse("-e", "good", "-e", "bad").parseAll("env", refuse), {
      message: 'invalid argument "bad" for "-e, --env" flag: it is bad',
    });
    assert.equal(parse().parse("memory", refuse), undefined);
  });
});

describe("a bad command line", () => {
  const cases: readonly [args: readonly string[], message: string][] = [
    [["--nope"], "unknown flag: --nope"],
    [["--nope=1"], "unknown flag: --nope"],
    [["-x"], "unknown shorthand flag: 'x' in -x"],
    [["-itx"], "unknown shorthand flag: 'x' in -itx"],
    [["--memory"], "flag needs an argument: --memory"],
    [["-im"], "flag needs an argument: 'm' in -im"],
    [["--=x"], "bad flag syntax: --=x"],
    [["---x"], "bad flag syntax: ---x"],
    [["--tty=maybe"], 'invalid argument "maybe" for "-t, --tty" flag: it is a switch, true or false'],
    [["-t=maybe"], 'invalid argument "maybe" for "-t, --tty" flag: it is a switch, true or false'],
    [["--publish", "80"], 'Cannot use flag "--publish": ports come later'],
    [["-ip80"], 'Cannot use flag "--publish": ports come later'],
    // A prefix is no flag: pflag does not complete them either.
    [["--mem=1"], "unknown flag: --mem"],
  ];
  for (const [args, message] of cases) {
    test(`is refused: ${args.join(" ")}`, () => {
      assert.throws(() => parse(...args), { name: "OrlopError", message });
    });
  }
});
