import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { compareFacts } from "./compare-facts.ts";
import {
  type Comparison,
  decodeExplainedDifferences,
  type ExplainedDifference,
  reportDifferences,
} from "./explained-differences.ts";

const facts = (entries: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(entries));

suite("compareFacts", () => {
  test("finds values that differ and facts that one side does not have", () => {
    const theirs = facts({ outcome: "ran", same: "1", other: "a", gone: "x" });
    const ours = facts({ outcome: "ran", same: "1", other: "b", added: "y" });
    assert.deepEqual(compareFacts(theirs, ours), [
      { key: "other", theirs: "a", ours: "b" },
      { key: "gone", theirs: "x", ours: undefined },
      { key: "added", theirs: undefined, ours: "y" },
    ]);
  });

  test("compares nothing further where the outcomes differ", () => {
    const theirs = facts({ outcome: "ran", mount: "1" });
    assert.deepEqual(compareFacts(theirs, facts({ outcome: "refused" })), [
      { key: "outcome", theirs: "ran", ours: "refused" },
    ]);
  });
});

const row: ExplainedDifference = {
  config: "default",
  key: "mount /sys super",
  runtime: "runc",
  theirs: "ro",
  ours: "rw",
  reason: "for a test",
};

const found = (changes: Partial<Comparison> = {}): Comparison => ({
  config: "default",
  runtime: "runc",
  differences: [{ key: "mount /sys super", theirs: "ro", ours: "rw" }],
  ...changes,
});

suite("reportDifferences", () => {
  test("is content with a difference that a row explains", () => {
    assert.deepEqual(reportDifferences([row], [found()]), { unexplained: [], stale: [] });
  });

  test("reports a difference without a row", () => {
    const { unexplained } = reportDifferences([], [found()]);
    assert.deepEqual(unexplained, [
      { config: "default", runtime: "runc", key: "mount /sys super", theirs: "ro", ours: "rw" },
    ]);
  });

  test("reports a difference whose value is not the row's", () => {
    const other = found({ differences: [{ key: "mount /sys super", theirs: "ro", ours: undefined }] });
    const { unexplained, stale } = reportDifferences([row], [other]);
    assert.equal(unexplained.length, 1);
    assert.deepEqual(stale, [row]);
  });

  test("reports a row that no longer differs", () => {
    assert.deepEqual(reportDifferences([row], [found({ differences: [] })]).stale, [row]);
  });

  test("does not call a row stale whose peer is not always the same", () => {
    assert.deepEqual(reportDifferences([{ ...row, sometimes: true }], [found({ differences: [] })]).stale, []);
  });

  test("does not call a row stale when its config or its peer was not run", () => {
    const others = [found({ config: "minimal", differences: [] }), found({ runtime: "crun", differences: [] })];
    assert.deepEqual(reportDifferences([row], others).stale, []);
  });

  test("lets a star stand for any text, across configs, keys and values", () => {
    const wide: ExplainedDifference = { ...row, config: "*", key: "mount * super", theirs: "r*", ours: "rw" };
    assert.deepEqual(reportDifferences([wide], [found(), found({ config: "minimal" })]), {
      unexplained: [],
      stale: [],
    });
  });

  test("takes the rest of a pattern literally", () => {
    const differences = [{ key: "devices", theirs: "c 1:3 rwm (x)", ours: "cx1:3 rwm (x)" }];
    const literal: ExplainedDifference = { ...row, key: "dev*", theirs: "c 1:3 * (x)", ours: "c.1:3 * (x)" };
    assert.equal(reportDifferences([literal], [found({ differences })]).unexplained.length, 1);
  });

  test("tells a missing fact from an empty one", () => {
    const differences = [{ key: "mount /sys super", theirs: "", ours: "rw" }];
    const missing: ExplainedDifference = { ...row, theirs: null };
    assert.equal(reportDifferences([missing], [found({ differences })]).unexplained.length, 1);
    const empty: ExplainedDifference = { ...row, theirs: "" };
    assert.equal(reportDifferences([empty], [found({ differences })]).unexplained.length, 0);
  });
});

suite("decodeExplainedDifferences", () => {
  test("reads rows", () => {
    assert.deepEqual(decodeExplainedDifferences(JSON.stringify([row, { ...row, ours: null }])), [
      row,
      { ...row, ours: null },
    ]);
  });

  for (const [what, text] of [
    ["no array", "{}"],
    ["a row that is no object", "[1]"],
    ["a row without a reason", JSON.stringify([{ ...row, reason: " " }])],
    ["a row with a member too many", JSON.stringify([{ ...row, note: "x" }])],
    ["a value that is neither text nor null", JSON.stringify([{ ...row, theirs: 1 }])],
    ["a row without a value", JSON.stringify([{ ...row, ours: undefined }])],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => decodeExplainedDifferences(text), { code: "invalid", message: /^Cannot read difference/ });
    });
  }
});
