import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { compareVersions } from "./compare-versions.ts";

/** Each the later one of the one in front. */
const ASCENDING: readonly string[] = [
  "0~~",
  "0~",
  "0",
  "0a",
  "0+",
  "1.0~rc1-1",
  "1.0-0",
  "1.0-1~bpo12+1",
  "1.0-1",
  "1.0-1a",
  "1.0-1a1",
  "1.0-1+b1",
  "1.0-1.1",
  "1.0-10",
  "1.0a",
  "1.0.1",
  "1.00000000000000000001a",
  "1.10",
  "2.36-9+deb12u14",
  "10",
  "99999999999999999999999999",
  "100000000000000000000000000",
  "1:0",
  "2:0~",
  "2:0:1",
];

test("knows which version is the later one", () => {
  for (const [at, a] of ASCENDING.entries()) {
    for (const [other, b] of ASCENDING.entries()) {
      assert.equal(Math.sign(compareVersions(a, b)), Math.sign(at - other), `${a} and ${b}`);
    }
  }
});

test("takes versions that differ in zeros only for the same", () => {
  for (const [a, b] of [
    ["1.0", "1.0-0"],
    ["0:1", "1"],
    ["1.01", "1.1"],
    ["1.a", "1.a0"],
    ["1-00", "1"],
  ] as const) {
    assert.equal(compareVersions(a, b), 0, `${a} and ${b}`);
  }
});

test("refuses what is no version", () => {
  for (const text of ["", "a", "1.0-", ":1", "x:1", "1_0", "1 0", "1.0-1_2", "99999999999:1", `1${"0".repeat(2000)}`]) {
    assert.throws(() => compareVersions(text, "1"), { name: "OrlopError", code: "invalid" }, text);
  }
});

test("agrees with dpkg on random versions", (context) => {
  try {
    execFileSync("dpkg", ["--version"]);
  } catch {
    context.skip("there is no dpkg");
    return;
  }
  const pairs = Array.from({ length: Number(process.env.ORLOP_FUZZ_RUNS ?? 200) }, (_, at) => pairOf(at + 1));
  // One shell for all: each comparison is a process of its own.
  const script =
    'while read -r a b; do dpkg --compare-versions "$a" lt "$b"; lt=$?; dpkg --compare-versions "$a" eq "$b"; echo "$lt$?"; done';
  const answers = execFileSync("sh", ["-c", script], { input: pairs.map((pair) => `${pair.join(" ")}\n`).join("") });
  for (const [at, answer] of answers.toString().trim().split("\n").entries()) {
    const [a, b] = pairs[at] ?? ["0", "0"];
    const expected = answer === "01" ? -1 : answer === "10" ? 0 : 1;
    assert.equal(Math.sign(compareVersions(a, b)), expected, `${a} and ${b}`);
  }
});

test("has an order that goes both ways, and nothing else to say of random bytes than that they are no version", () => {
  const random = sequence(7);
  for (let round = 0; round < Number(process.env.ORLOP_FUZZ_RUNS ?? 2000); round++) {
    const [a, b] = [bytes(random), bytes(random)];
    try {
      assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) + 0);
    } catch (error) {
      assert.ok(error instanceof OrlopError, `${JSON.stringify([a, b])}: ${error}`);
    }
  }
});

/** Versions that differ little, as those do that are hard to compare. */
function pairOf(seed: number): readonly [string, string] {
  const random = sequence(seed);
  const first = versionOf(random);
  const at = 1 + random(first.length);
  const changed = `${first.slice(0, at)}${"0129az.+~"[random(9)]}${first.slice(at + random(2))}`;
  const isGood = /^(?:\d:)?\d[a-z0-9.+~]*(?:-[a-z0-9.+~]+)?$/.test(changed);
  return [first, isGood ? changed : versionOf(random)];
}

function versionOf(random: (below: number) => number): string {
  const part = (): string => Array.from({ length: 1 + random(6) }, () => "00129az.+~"[random(10)]).join("");
  return `${random(4) === 0 ? `${random(3)}:` : ""}${random(10)}${part()}${random(2) === 0 ? `-${part()}` : ""}`;
}

function bytes(random: (below: number) => number): string {
  return Array.from({ length: random(12) }, () => "0019azAZ.+~:-_ \0\u00e9"[random(17)]).join("");
}

function sequence(seed: number): (below: number) => number {
  let state = seed * 2654435761;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
