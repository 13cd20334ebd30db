import assert from "node:assert/strict";
import { test } from "node:test";
import type { Variant } from "./debian-request.ts";
import { controlText, type FixtureDeb } from "./fixtures/make-deb.ts";
import { PackageIndex } from "./package-index.ts";
import { resolvePackages } from "./resolve-packages.ts";

const base = new URL("http://mirror.example/debian/");

function indexOf(...debs: readonly FixtureDeb[]): PackageIndex {
  return new PackageIndex([{ text: textOf(debs), base }]);
}

function textOf(debs: readonly FixtureDeb[]): Buffer {
  const index = `Filename: pool/x.deb\nSize: 1\nSHA256: ${"0".repeat(64)}\n`;
  return Buffer.from(debs.map((deb) => `${controlText(deb)}${index}`).join("\n"));
}

interface Resolve {
  readonly packages?: readonly string[];
  readonly variant?: Variant;
  readonly recommends?: boolean;
}

function resolve(index: PackageIndex, { packages = [], variant = "custom", recommends = false }: Resolve): string {
  const found = resolvePackages({ packages, variant, recommends }, index);
  return found.map(({ name, version }) => (version === "1.0" ? name : `${name}=${version}`)).join(" ");
}

test("brings a package with all that it depends on, and nothing that it recommends unless that is asked for", () => {
  const index = indexOf(
    { name: "a", fields: { Depends: "b", Recommends: "r, nowhere" } },
    { name: "b", fields: { "Pre-Depends": "c (>= 0.9)" } },
    { name: "c", fields: { Depends: "a" } },
    { name: "r" },
    { name: "other" },
  );
  assert.equal(resolve(index, { packages: ["a"] }), "a b c");
  assert.equal(resolve(index, { packages: ["a"], recommends: true }), "a b c r");
});

test("takes the first alternative that can be had, and none where one is there already", () => {
  const index = indexOf(
    { name: "a", fields: { Depends: "nowhere | b (>= 2) | c | d" } },
    { name: "b" },
    { name: "c" },
    { name: "d" },
  );
  assert.equal(resolve(index, { packages: ["a"] }), "a c");
  assert.equal(resolve(index, { packages: ["a", "d"] }), "a d");
});

test("takes of those that provide a name the most important, then the first", () => {
  const provides = { Provides: "awk" };
  const index = indexOf(
    { name: "a", fields: { Depends: "awk" } },
    { name: "gawk", fields: { ...provides, Priority: "optional" } },
    { name: "aawk", fields: { ...provides, Priority: "optional" } },
    { name: "mawk", fields: { ...provides, Priority: "required" } },
  );
  assert.equal(resolve(index, { packages: ["a"] }), "a mawk");
  assert.equal(resolve(index, { packages: ["a", "gawk"] }), "a gawk");
  const equal = indexOf(
    { name: "z", fields: { Depends: "v" } },
    { name: "y", fields: { Provides: "v" } },
    { name: "x", fields: { Provides: "w,\n v" } },
  );
  assert.equal(resolve(equal, { packages: ["z"] }), "x z");
});

test("asks for a version of what is provided only where it has one", () => {
  const index = indexOf(
    { name: "a", fields: { Depends: "v (>= 2)" } },
    { name: "plain", fields: { Provides: "v" } },
    { name: "old", fields: { Provides: "v (= 1)" } },
    { name: "young", fields: { Provides: "v (= 2)" } },
  );
  assert.equal(resolve(index, { packages: ["a"] }), "a young");
});

test("takes the latest version of all archives", () => {
  const files = [
    { text: textOf([{ name: "a", version: "1.0-9" }, { name: "b" }]), base },
    { text: textOf([{ name: "a", version: "1.0-10" }]), base: new URL("http://security.example/") },
  ];
  assert.equal(resolve(new PackageIndex(files), { packages: ["a", "b"] }), "a=1.0-10 b");
});

test("has a qualifier mean what dpkg has it mean", () => {
  const index = indexOf(
    { name: "a", fields: { Depends: "python3:any, b:amd64, c:native" } },
    { name: "python3", fields: { "Multi-Arch": "allowed" } },
    { name: "b" },
    { name: "c" },
    { name: "d", fields: { Depends: "b:any" } },
    { name: "e", fields: { Depends: "b:arm64" } },
  );
  assert.equal(resolve(index, { packages: ["a"] }), "a b c python3");
  assert.throws(() => resolve(index, { packages: ["d"] }), { code: "not-found", message: /"d".*b 1.0 for b:any/ });
  assert.throws(() => resolve(index, { packages: ["e"] }), { code: "not-found" });
});

test("brings the sets of the variants", () => {
  const index = indexOf(
    { name: "base", fields: { Essential: "yes", Priority: "required" } },
    { name: "tool", fields: { Priority: "required" } },
    { name: "init", fields: { Priority: "important" } },
    { name: "man", fields: { Priority: "standard" } },
    { name: "apt", fields: { Priority: "important" } },
    { name: "build-essential" },
    { name: "mine" },
  );
  const sets: readonly (readonly [Variant, string])[] = [
    ["extract", "mine"],
    ["custom", "mine"],
    ["essential", "base mine"],
    ["apt", "apt base mine"],
    ["minbase", "apt base mine tool"],
    ["buildd", "apt base build-essential mine tool"],
    ["important", "apt base init mine tool"],
    ["standard", "apt base init man mine tool"],
  ];
  for (const [variant, expected] of sets)
    assert.equal(resolve(index, { variant, packages: ["mine"] }), expected, variant);
});

test("refuses packages that exclude each other, and looks for an alternative first", () => {
  const index = indexOf(
    { name: "a", fields: { Conflicts: "b" } },
    { name: "b" },
    { name: "c", fields: { Depends: "b | d" } },
    { name: "d", fields: { Breaks: "e (<< 2)" } },
    { name: "e" },
    { name: "f", fields: { Conflicts: "v", Provides: "v" } },
    { name: "g", fields: { Provides: "v" } },
  );
  assert.throws(() => resolve(index, { packages: ["a", "b"] }), {
    code: "conflict",
    message: 'Cannot install package "b": a 1.0 excludes b, which is b 1.0 (it was asked for)',
  });
  assert.equal(resolve(index, { packages: ["a", "c"] }), "a c d");
  assert.throws(() => resolve(index, { packages: ["d", "e"] }), {
    code: "conflict",
    message: /d 1.0 excludes e \(<< 2\)/,
  });
  assert.equal(resolve(index, { packages: ["f"] }), "f");
  assert.throws(() => resolve(index, { packages: ["f", "g"] }), { code: "conflict" });
});

test("says what is missing, and for whom", () => {
  const index = indexOf(
    { name: "a", fields: { Depends: "b (>= 2) | nowhere" } },
    { name: "b" },
    { name: "x", fields: { Provides: "v" } },
    { name: "y", fields: { Provides: "v" } },
  );
  assert.throws(() => resolve(index, { packages: ["none"] }), {
    code: "not-found",
    message: 'Cannot install package "none": the mirror does not have it',
  });
  assert.throws(() => resolve(index, { packages: ["a"] }), {
    code: "not-found",
    message: 'Cannot install package "a": the mirror has only b 1.0 for b (>= 2) | nowhere, which it depends on',
  });
  assert.throws(() => resolve(index, { packages: ["v"] }), { message: /it is provided by x, y: name one of them/ });
});
