import assert from "node:assert/strict";
import { test } from "node:test";
import { goTime, goTimeWithFraction } from "./go-time.ts";

test("prints times as Go does, their fractions without zeros at the end", () => {
  const timeMs = new Date("2026-01-02T03:04:05Z").getTime();
  const rest = goTime(timeMs).slice("2026-01-02 03:04:05".length);
  assert.match(rest, /^ [+-]\d{4} \S+$/);
  const digits = (fractionMs: number): string => goTimeWithFraction(timeMs + fractionMs).slice(19, -rest.length);
  assert.deepEqual([0, 5, 50, 500, 123].map(digits), ["", ".005", ".05", ".5", ".123"]);
});
