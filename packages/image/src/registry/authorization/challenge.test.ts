import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseChallenges } from "./challenge.ts";

function plain(text: string): unknown {
  return parseChallenges(text).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

describe("challenges", () => {
  test("are read with quoted and unquoted values, several in one header", () => {
    const bearer = { realm: "https://auth.example/token?x=1,2", service: "reg", scope: "repository:a/b:pull,push" };
    const text = `Bearer realm="${bearer.realm}",service=reg, scope = "${bearer.scope}" , Basic REALM="a \\"b\\""`;
    assert.deepEqual(plain(text), [
      ["bearer", bearer],
      ["basic", { realm: 'a "b"' }],
    ]);
  });

  test("that nobody can answer are passed over", () => {
    const text = 'Negotiate, NTLM abc==, Digest qop="auth, int", Bearer realm=x';
    assert.deepEqual(plain(text), [
      ["negotiate", {}],
      ["ntlm", {}],
      ["digest", { qop: "auth, int" }],
      ["bearer", { realm: "x" }],
    ]);
  });

  test("of any text end", () => {
    const parts = ["Bearer", " ", ",", "=", '"', "\\", "realm", "\t", "é", "a==", '="x"', ";"];
    let state = 7;
    for (let round = 0; round < 5_000; round++) {
      let text = "";
      for (let length = round % 12; length >= 0; length--) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        text += parts[(state >>> 16) % parts.length];
      }
      for (const { scheme } of parseChallenges(text)) assert.ok(scheme.length > 0, text);
    }
  });
});
