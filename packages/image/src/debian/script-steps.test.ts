import assert from "node:assert/strict";
import { test } from "node:test";
import { readPackage } from "./debian-package.ts";
import { controlText, type FixtureDeb } from "./fixtures/make-deb.ts";
import { type ScriptStep, scriptSteps } from "./script-steps.ts";
import type { UnpackedPackage } from "./unpack-packages.ts";

const BASE = new URL("http://mirror.example/debian/");

function unpacked(deb: FixtureDeb): UnpackedPackage {
  const index = `Filename: pool/x.deb\nSize: 1\nSHA256: ${"0".repeat(64)}\n`;
  const control = Object.entries(deb.control ?? {}).map(
    ([name, text]) => [name, { content: Buffer.from(text), isExecutable: true }] as const,
  );
  const wanted = readPackage(`${controlText(deb)}${index}`, BASE);
  return { package: wanted, control: new Map(control), files: [], conffiles: new Map() };
}

function steps(...debs: readonly FixtureDeb[]): readonly string[] {
  return scriptSteps(debs.map(unpacked)).map((step: ScriptStep) =>
    step.kind === "preinst" ? `preinst ${step.name}` : `configure ${step.names.join(" ")}`,
  );
}

const BOTH = { preinst: "", postinst: "" };

test("runs a preinst when what its package needs before is configured, with all that that needs", () => {
  assert.deepEqual(
    steps(
      { name: "a", fields: { "Pre-Depends": "c | nowhere, virtual" }, control: BOTH },
      { name: "b", control: BOTH },
      { name: "c", fields: { Depends: "d, f" }, control: BOTH },
      { name: "d", fields: { "Multi-Arch": "same" }, control: { postinst: "" } },
      { name: "e", fields: { Provides: "virtual" }, control: { config: "" } },
      { name: "f" },
      { name: "g", control: { postinst: "" } },
    ),
    ["preinst c", "configure c d:amd64 e", "preinst a", "preinst b"],
  );
});

test("gets to an end where packages need each other in a circle", () => {
  const found = steps(
    { name: "a", fields: { "Pre-Depends": "b" }, control: BOTH },
    { name: "b", fields: { "Pre-Depends": "a" }, control: BOTH },
  );
  assert.deepEqual(found.filter((step) => step.startsWith("preinst")).toSorted(), ["preinst a", "preinst b"]);
});
