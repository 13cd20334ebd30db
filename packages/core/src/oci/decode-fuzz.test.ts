import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "../errors.ts";
import { decodeImageConfig, decodeIndex, decodeManifest } from "./decode-image-spec.ts";
import { decodeRuntimeSpec } from "./decode-runtime-spec.ts";
import { decodeLinuxSeccomp, decodeSeccompProfile } from "./decode-seccomp.ts";
import { EXAMPLE_CONFIG } from "./fixtures/example-config.ts";
import { parseJson, stringifyJson } from "./json-text.ts";

/** Each round takes a tenth of a millisecond; far longer runs found nothing that this number does not. */
/** `ORLOP_FUZZ_RUNS=100000` looks for longer. */
const ROUNDS = Number(process.env.ORLOP_FUZZ_RUNS ?? 2000);

const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  2 ** 53,
  2n ** 64n - 1n,
  -(2n ** 70n),
  "",
  "\0",
  "\ud800",
  "..",
  "/",
  "x".repeat(5000),
  [],
  [null],
  [[]],
  {},
  { "": null },
  JSON.parse('{"__proto__": {"type": "pid"}}'),
  { constructor: 1, toString: 2, hasOwnProperty: 3 },
];

test("decodes a config with random values in random places, or refuses it as invalid", () => {
  const random = sequence(1);
  let accepted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const root = parseJson(EXAMPLE_CONFIG);
    for (let changes = pick(random, [1, 1, 1, 2, 5]); changes > 0; changes--) mutate(random, root);
    const text = stringifyJson(root);
    const spec = decodedOrRefused(decodeRuntimeSpec, text);
    if (spec === undefined) continue;
    accepted++;
    // What was accepted is accepted again: decoding loses nothing that a decoder asks for.
    assert.deepEqual(decodeRuntimeSpec(stringifyJson(spec)), spec);
  }
  assert.ok(accepted > ROUNDS / 20 && accepted < ROUNDS / 2, `accepted ${accepted} of ${ROUNDS}`);
});

test("decodes a config with random bytes in random places, or refuses it as invalid", () => {
  const random = sequence(2);
  const whole = Buffer.from(EXAMPLE_CONFIG);
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = Buffer.from(whole.subarray(0, pick(random, [whole.length, whole.length, random(whole.length)])));
    for (let changes = random(4); changes > 0; changes--) bytes[random(bytes.length)] = byte(random);
    decodedOrRefused(decodeRuntimeSpec, bytes);
  }
});

test("refuses random JSON as every other document", () => {
  const random = sequence(3);
  const decoders: readonly ((input: string | Uint8Array) => unknown)[] = [
    decodeLinuxSeccomp,
    decodeSeccompProfile,
    decodeManifest,
    decodeIndex,
    decodeImageConfig,
  ];
  for (let round = 0; round < ROUNDS; round++) {
    const { linux } = parseJson(EXAMPLE_CONFIG) as { linux: { seccomp: unknown } };
    const root = structuredClone(pick(random, [linux.seccomp, linux, ...ODD_VALUES]));
    mutate(random, root);
    decodedOrRefused(pick(random, decoders), stringifyJson(root));
  }
});

function decodedOrRefused<T>(decode: (input: string | Uint8Array) => T, input: string | Uint8Array): T | undefined {
  try {
    return decode(input);
  } catch (error) {
    const refused = error instanceof OrlopError && error.code === "invalid" && error.message.length < 5000;
    if (!refused) throw new Error(`Decoding failed with another error for ${input}`, { cause: error });
    return undefined;
  }
}

/** Replaces, removes, adds or moves one member somewhere below `root`. */
function mutate(random: (below: number) => number, root: unknown): void {
  let at = root;
  for (;;) {
    if (typeof at !== "object" || at === null) return;
    const members = at as Record<string, unknown>;
    const keys = Object.keys(members);
    const key = keys.length === 0 ? "new" : pick(random, keys);
    const child = members[key];
    if (typeof child === "object" && child !== null && random(6) !== 0) {
      at = child;
      continue;
    }
    const name = random(8) === 0 ? pick(random, ["path", "type", "0", "999"]) : key;
    members[name] = structuredClone(random(8) === 0 ? members : pick(random, ODD_VALUES));
    if (random(8) === 0) delete members[key];
    return;
  }
}

/** Bytes that mean something in JSON come up more often than others. */
function byte(random: (below: number) => number): number {
  return random(2) === 0 ? random(256) : pick(random, [...Buffer.from('{}[]",:\\-.0123456789eEntf ')]);
}

function pick<T>(random: (below: number) => number, values: readonly T[]): T {
  return values[random(values.length)] as T;
}

/** The mulberry32 generator: the same numbers in every run, so that a failure can be repeated. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % Math.max(1, below);
  };
}
