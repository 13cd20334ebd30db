import assert from "node:assert/strict";
import { OrlopError } from "../errors.ts";
import { stringifyJson } from "./json-text.ts";
import { jsonWith } from "./json-with.fixture.ts";

/**
 * Asserts that the document with these changes is refused as invalid, with a message that contains `expected`.
 * Each document is a variant of a good one, so that nothing but the change can be the reason.
 */
export function assertRefused(
  decode: (text: string) => unknown,
  good: string,
  changes: Readonly<Record<string, unknown>>,
  expected: string,
): void {
  decode(good);
  assert.throws(
    () => decode(jsonWith(good, changes)),
    (error) => {
      assert.ok(error instanceof OrlopError, String(error));
      assert.equal(error.code, "invalid");
      assert.ok(error.message.includes(expected), `${error.message}\ndoes not contain\n${expected}`);
      return true;
    },
    `accepted ${stringifyJson(changes)}`,
  );
}
