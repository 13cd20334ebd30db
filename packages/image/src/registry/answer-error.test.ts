import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { errorText, printable, retryAfterMs } from "./answer-error.ts";

describe("what a registry says of an error", () => {
  test("is its codes and messages", () => {
    const body = { errors: [{ code: "DENIED", message: "not yours" }, { code: "X", detail: {} }, 7, null] };
    assert.equal(errorText(Buffer.from(JSON.stringify(body))), "DENIED: not yours; X");
  });

  test("is the title of a page, or the text", () => {
    assert.equal(errorText(Buffer.from("<html><title>502 Bad\nGateway</title></html>")), "502 Bad Gateway");
    assert.equal(errorText(Buffer.from("<html>")), "");
    assert.equal(errorText(Buffer.from("unexpected\r\n")), "unexpected");
    assert.equal(errorText(Buffer.from('{"errors":7}')), '{"errors":7}');
  });

  test("has no control characters and an end", () => {
    assert.equal(printable("a\x1b[31m\u202eb\0"), "a\\u{1b}[31m\\u{202e}b\\u{0}");
    assert.equal(printable("x".repeat(1_000)).length, 303);
  });
});

test("a pause is in seconds or until a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(retryAfterMs("3", now), 3_000);
  assert.equal(retryAfterMs("Thu, 01 Jan 2026 00:00:05 GMT", now), 5_000);
  assert.equal(retryAfterMs("Wed, 31 Dec 2025 00:00:05 GMT", now), 0);
  for (const odd of [undefined, "", "-1", "1e9", "soon", "99999999999"])
    assert.equal(retryAfterMs(odd, now), undefined);
});
