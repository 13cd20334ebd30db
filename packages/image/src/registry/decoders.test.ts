import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { retryAfterMs } from "./answer-error.ts";
import { parseContentRange, parseUploadRange } from "./content-range.ts";
import { parseAuthDocument } from "./credentials/auth-document.ts";
import { bestAuthKey } from "./credentials/auth-keys.ts";
import { someBytes } from "./fixture-blobs-fixture.ts";
import { BodyFramer } from "./http/body-framer.ts";
import { framingOf, type Headers, ProtocolError, parseHead } from "./http/message-head.ts";
import { nextPage } from "./next-page.ts";

const ROUNDS = 20_000;

/** Texts of these parts, the same in every run. */
function* texts(parts: readonly string[]): Generator<string> {
  const random = someBytes(ROUNDS * 12, 11);
  for (let round = 0; round < ROUNDS; round++) {
    const length = (random[round * 12] ?? 0) % 12;
    let text = "";
    for (let index = 0; index < length; index++) text += parts[(random[round * 12 + index] ?? 0) % parts.length];
    yield text;
  }
}

/** What is thrown is of a kind that is meant for what others send. */
function onlyThrows(kind: abstract new (...args: never[]) => Error, text: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof kind, `${JSON.stringify(text)}: ${error}`);
  }
}

describe("any text", () => {
  test("is a head or none", () => {
    const parts = [
      "HTTP/1.1 200 OK",
      "HTTP/1.0 404",
      "\r\n",
      "\n",
      "content-length: 5",
      "a",
      ":",
      " ",
      "transfer-encoding: chunked",
      "\0",
      "connection: close",
      "-1",
    ];
    for (const text of texts(parts)) {
      onlyThrows(ProtocolError, text, () => {
        const head = parseHead(Buffer.from(text, "latin1"));
        const framing = framingOf("GET", head);
        assert.ok(typeof framing === "string" || framing >= 0);
      });
    }
  });

  test("is chunks or none, and never more content than bytes", () => {
    const parts = ["5", "0", "a", "\r\n", "\n", "hello", ";x=y", "ffffffffffff", "\0", " "];
    for (const text of texts(parts)) {
      onlyThrows(ProtocolError, text, () => {
        const framer = new BodyFramer("chunked");
        let given = 0;
        const taken = framer.take(Buffer.from(text, "latin1"), (content) => (given += content.length));
        assert.ok(taken <= text.length && given <= taken);
      });
    }
  });

  test("is a range or none", () => {
    for (const text of texts(["bytes", " ", "0", "9", "-", "/", "*", "="])) {
      const range = parseContentRange(text);
      assert.ok(range === undefined || (range.offset >= 0 && range.length > 0), text);
      const upload = parseUploadRange(text);
      assert.ok(upload === undefined || upload >= 0, text);
      const pause = retryAfterMs(text, 0);
      assert.ok(pause === undefined || pause >= 0, text);
    }
  });

  test("leads to the same server or to none", () => {
    const url = new URL("https://a.example/v2/x/tags/list");
    const body = { read: async () => undefined, destroy: () => {} };
    for (const link of texts(["<", ">", ";", "rel=", '"next"', ",", "/b", "https://", "evil.example", " ", "//"])) {
      onlyThrows(OrlopError, link, () => {
        const headers: Headers = { link };
        const next = nextPage("test", { url, status: 200, headers, body });
        assert.ok(next === undefined || next.origin === url.origin, link);
      });
    }
  });

  test("is credentials or none, and a key stands for no other registry", () => {
    const parts = [
      '{"auths":',
      "{",
      "}",
      '"a.example"',
      ":",
      '"auth"',
      '"dTpw"',
      ",",
      "null",
      "[]",
      '"credHelpers"',
      "1",
    ];
    for (const text of texts(parts))
      onlyThrows(OrlopError, text, () => parseAuthDocument("x", text).credential("a.example"));
    for (const key of texts(["a.example", "https://", "/v1/", "/", "b", ".", ":5000", "http://"])) {
      const bare = key.replace(/^https?:\/\//, "");
      const found = bestAuthKey([key], "a.example", "b/b");
      assert.ok(found === undefined || bare === "a.example" || bare.startsWith("a.example/"), key);
    }
  });
});
