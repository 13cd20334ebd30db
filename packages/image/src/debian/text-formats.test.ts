import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { readPackage } from "./debian-package.ts";
import { parseDebianReference } from "./debian-request.ts";
import { controlText, makeAr, makeDeb } from "./fixtures/make-deb.ts";
import { parseRelease } from "./parse-release.ts";
import { readAr } from "./read-ar.ts";
import { readDeb } from "./read-deb.ts";
import { formatRelation, readRelations } from "./read-relations.ts";
import { readSources } from "./read-sources.ts";
import { readStanza, readStanzas } from "./read-stanza.ts";

const invalid = { name: "OrlopError", code: "invalid" };

test("reads stanzas with values on several lines, comments and blanks at the ends", () => {
  const text = "# a comment\nPackage: a \nDepends: b,\n c\nDescription: x\n .\n y\n \n\nPackage: b\n";
  const [first, second] = readStanzas(text, "test");
  assert.deepEqual(
    [...(first ?? [])],
    [
      ["package", "a"],
      ["depends", "b,\n c"],
      ["description", "x\n .\n y"],
    ],
  );
  assert.equal(second?.get("package"), "b");
});

test("refuses stanzas that are none", () => {
  for (const text of [" a: b", "a", ": b", "-a: b", "a: b\nA: c", "a b: c"]) {
    assert.throws(() => readStanza(text, "test"), invalid, text);
  }
});

test("reads relations with alternatives, versions and qualifiers", () => {
  const text = "a, b (>= 1:2.0~rc1-1) | c:any, d:amd64(<<3),\n e (= 1),";
  const groups = readRelations(text, "test").map((group) => group.map(formatRelation).join(" | "));
  assert.deepEqual(groups, ["a", "b (>= 1:2.0~rc1-1) | c:any", "d:amd64 (<< 3)", "e (= 1)"]);
  assert.deepEqual(readRelations("a (< 1), b (> 2)", "test").flat().map(formatRelation), ["a (<= 1)", "b (>= 2)"]);
  assert.deepEqual(readRelations(undefined, "test"), []);
});

test("refuses relations that are none", () => {
  for (const text of ["a (1)", "a (>= 1", "a |", "a b", "a (>= )", "a (! 1)", "-a", "a [amd64]", "a:b:c"]) {
    assert.throws(() => readRelations(text, "test"), invalid, text);
  }
});

test("reads references with all that they can say", () => {
  const text = "debian:bookworm?packages=g%2B%2B,bash,libstdc++6&variant=required&arch=arm64&components=main,contrib";
  assert.deepEqual(parseDebianReference(`${text}&mirror=http://localhost/debian&keyring=/k.gpg&recommends=yes`), {
    distribution: "debian",
    suite: "bookworm",
    packages: ["bash", "g++", "libstdc++6"],
    variant: "minbase",
    architecture: "arm64",
    components: ["main", "contrib"],
    mirror: "http://localhost/debian",
    keyring: "/k.gpg",
    recommends: true,
    scripts: false,
  });
  assert.equal(parseDebianReference("debian:sid").variant, "minbase");
  assert.equal(parseDebianReference("debian:sid?packages=a").variant, "custom");
  assert.deepEqual(parseDebianReference("ubuntu:noble").components, ["main", "universe"]);
});

test("refuses references by what is wrong with them", () => {
  for (const [text, message] of [
    ["fedora:40", /it is not debian: or ubuntu:/],
    ["debian:", /the name of a suite/],
    ["debian:../x", /the name of a suite/],
    ["debian:sid?package=a", /"package" is not known/],
    ["debian:sid?packages=a&packages=b", /it has packages twice/],
    ["debian:sid?packages=a/b", /"a\/b" is no name of a package/],
    ["debian:sid?variant=tiny", /the variant "tiny" is not one of extract/],
    ["debian:sid?variant=constructor", /the variant "constructor" is not one of/],
    ["debian:sid?mirror=x", /"x" is no URL/],
    ["debian:sid?arch=../x", /"..\/x" is no name/],
    ["debian:sid?recommends=1", /"1" is neither yes nor no/],
    ["debian:sid?packages=%zz", /per cent sign/],
  ] as const) {
    assert.throws(() => parseDebianReference(text), { ...invalid, message }, text);
  }
  assert.equal(parseDebianReference("debian:sid?scripts=yes").scripts, true);
  assert.equal(parseDebianReference("debian:sid?scripts=no").scripts, false);
});

test("reads sources in both of apt's formats", () => {
  const lines =
    "# nothing\ndeb [arch=amd64 signed-by=/k.gpg] http://a/debian bookworm main contrib # end\ndeb-src http://a b c\n";
  assert.deepEqual(readSources({ path: "/a.list", text: lines }), [
    {
      uri: "http://a/debian",
      suite: "bookworm",
      components: ["main", "contrib"],
      options: new Map([
        ["arch", "amd64"],
        ["signed-by", "/k.gpg"],
      ]),
    },
  ]);
  const fields =
    "Types: deb deb-src\nURIs: http://a http://b\nSuites: x y\nComponents: main\nArchitectures: amd64\n\nTypes: deb\nURIs: c\nSuites: d\nEnabled: no\n";
  const sources = readSources({ path: "/a.sources", text: fields });
  assert.deepEqual(
    sources.map(({ uri, suite }) => `${uri} ${suite}`),
    ["http://a x", "http://a y", "http://b x", "http://b y"],
  );
  assert.equal(sources[0]?.options.get("arch"), "amd64");
});

test("reads archives of ar, also with a member of odd length", () => {
  const members = [
    ["debian-binary", Buffer.from("2.0\n")],
    ["odd", Buffer.from("abc")],
    ["last/", Buffer.from("z")],
  ] as const;
  const read = readAr(makeAr(members), "test").map(({ name, content }) => [name, content.toString()]);
  assert.deepEqual(read, [
    ["debian-binary", "2.0\n"],
    ["odd", "abc"],
    ["last", "z"],
  ]);
});

test("refuses archives of ar that are cut off or lie about a length", () => {
  const whole = makeAr([["debian-binary", Buffer.from("2.0\n")]]);
  for (const bytes of [
    Buffer.from("!<arch>"),
    whole.subarray(0, 40),
    whole.subarray(0, -1),
    Buffer.from(whole.toString("latin1").replace("4         `", "99999999  `"), "latin1"),
    Buffer.from(whole.toString("latin1").replace("4         `", "-4        `"), "latin1"),
  ]) {
    assert.throws(() => readAr(bytes, "test"), invalid);
  }
});

const RELEASE = `Suite: sid\nDate: Sat, 11 Jul 2026 10:16:37 UTC\nSHA256:\n ${"0".repeat(64)} 1 a\n`;
const PACKAGE = `${controlText({ name: "a", fields: { Depends: "b (>= 1)", Provides: "c (= 2)" } })}Filename: pool/a.deb\nSize: 1\nSHA256: ${"0".repeat(64)}\n`;
const LINES = "deb [arch=amd64 signed-by=/k] http://a b c\n";
const archive = {
  base: new URL("http://a/"),
  suite: "sid",
  components: [],
  signedBy: [],
  checkDate: true,
  checkValidUntil: true,
  isOptional: false,
};

test("has nothing to say of random bytes but that they cannot be read", async () => {
  const deb = makeDeb({ name: "a", entries: [{ path: "./x", content: "x" }] });
  const parsers: readonly (readonly [Buffer, (bytes: Buffer) => unknown])[] = [
    [Buffer.from(PACKAGE), (bytes) => readPackage(bytes.toString(), archive.base)],
    [Buffer.from(RELEASE), (bytes) => parseRelease(bytes.toString("latin1"), archive, archive.base, Date.now())],
    [Buffer.from(LINES), (bytes) => readSources({ path: "a.list", text: bytes.toString() })],
    [Buffer.from(PACKAGE), (bytes) => readSources({ path: "a.sources", text: bytes.toString() })],
    [
      Buffer.from("debian:sid?packages=a,b&mirror=http://a/b&arch=c"),
      (bytes) => parseDebianReference(bytes.toString()),
    ],
    [deb, (bytes) => readAr(bytes, "a")],
    [deb, (bytes) => readWhole(bytes)],
  ];
  const random = sequence(3);
  for (let round = 0; round < Number(process.env.ORLOP_FUZZ_RUNS ?? 2000); round++) {
    const [whole, parse] = parsers[round % parsers.length] ?? assert.fail();
    const bytes = Buffer.from(whole.subarray(0, random(5) === 0 ? random(whole.length) : whole.length));
    for (let changes = random(4); changes > 0 && bytes.length > 0; changes--)
      bytes[random(bytes.length)] = oddByte(random);
    try {
      await parse(bytes);
    } catch (error) {
      assert.ok(
        error instanceof OrlopError,
        `${bytes.toString("latin1")}: ${error instanceof Error ? error.stack : error}`,
      );
    }
  }
});

async function readWhole(bytes: Buffer): Promise<void> {
  const { data } = await readDeb(bytes, { name: "a", sizeMax: 1_000_000 });
  for await (const _ of data);
}

function oddByte(random: (below: number) => number): number {
  return random(2) === 0 ? random(256) : ("\n :,|()<>=%&?#./0-".charCodeAt(random(18)) ?? 0);
}

function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
