import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { kernelConstants, kernelLayouts } from "./golden/kernel-tables.ts";

interface Headers {
  readonly constants: Readonly<Record<string, number>>;
  readonly structs: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>>;
}

const headers = JSON.parse(readFileSync(new URL("golden/kernel-headers.json", import.meta.url), "utf8")) as Headers;

test("every constant has the number that the kernel's headers give it", () => {
  const own = kernelConstants();
  assert.ok(own.length > 800, `${own.length} constants`);
  // Verdicts and masks are written signed or unsigned; 32 bits are what counts.
  const wrong = own.filter(([name, number]) => number >>> 0 !== (headers.constants[name] ?? Number.NaN) >>> 0);
  assert.deepEqual(wrong, []);
  const missing = own.filter(([name]) => headers.constants[name] === undefined);
  assert.deepEqual(missing, []);
});

test("every struct has the fields, offsets and sizes of the kernel's headers", () => {
  for (const { description } of kernelLayouts) {
    const golden = headers.structs[description.struct];
    assert.ok(golden !== undefined, description.struct);
    // Newer kernels append to this one, and we read what Linux 5.10 has.
    const size = description.struct === "rtnl_link_stats64" ? 192 : golden.size?.[1];
    assert.equal(description.size, size, description.struct);
    for (const field of Object.values(description.fields) as { kernel: string; offset: number; size: number }[]) {
      assert.deepEqual([field.offset, field.size], golden[field.kernel], `${description.struct}.${field.kernel}`);
    }
  }
});
