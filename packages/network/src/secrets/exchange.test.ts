import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import type { ByteReplacer } from "./byte-replacer.ts";
import { Exchange } from "./exchange.ts";
import type { PlacedSecret, SecretPlace } from "./placed-secret.ts";

const VALUE = 'k"e y$&/1';
const PLACEHOLDER = "orlop-secret-0";
const OTHER = { value: "other-value", placeholder: "orlop-secret-1", hosts: [], places: [] } satisfies PlacedSecret;

function exchange(...places: readonly SecretPlace[]): Exchange {
  const secret = { value: VALUE, placeholder: PLACEHOLDER, hosts: [], places };
  return new Exchange({ secrets: [secret], hidden: [secret, OTHER] });
}

async function through(replacer: ByteReplacer | undefined, content: string): Promise<string> {
  return replacer === undefined ? content : await text(Readable.from([Buffer.from(content)]).pipe(replacer));
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

describe("an exchange", () => {
  test("puts a secret into all fields, also into a name and a password, and leaves those of others", () => {
    const fields = exchange("headers").requestFields([
      ["X-Key", `${PLACEHOLDER},${PLACEHOLDER}`],
      ["Authorization", basic("me", PLACEHOLDER)],
      ["authorization", `Bearer ${PLACEHOLDER}`],
      ["X-Other", OTHER.placeholder],
    ]);
    assert.deepEqual(fields, [
      ["X-Key", `${VALUE},${VALUE}`],
      ["Authorization", basic("me", VALUE)],
      ["authorization", `Bearer ${VALUE}`],
      ["X-Other", OTHER.placeholder],
    ]);
  });

  test("puts it where it may be and nowhere else", async () => {
    const seen = async (...places: readonly SecretPlace[]): Promise<readonly unknown[]> => {
      const one = exchange(...places);
      const target = one.requestTarget(`/a?key=${PLACEHOLDER}`);
      const fields = one.requestFields([
        ["X-Key", PLACEHOLDER],
        ["Authorization", basic("a", PLACEHOLDER)],
      ]);
      return [
        target,
        ...fields.map(([, value]) => value),
        await through(one.requestContent("text/plain"), PLACEHOLDER),
      ];
    };
    const none = [`/a?key=${PLACEHOLDER}`, PLACEHOLDER, basic("a", PLACEHOLDER), PLACEHOLDER];
    assert.deepEqual(await seen(), none);
    assert.deepEqual(await seen("headers"), [none[0], VALUE, basic("a", VALUE), none[3]]);
    assert.deepEqual(await seen("header:x-key"), [none[0], VALUE, ...none.slice(2)]);
    assert.deepEqual(await seen("url"), [`/a?key=${encodeURIComponent(VALUE)}`, ...none.slice(1)]);
    assert.deepEqual(await seen("body"), [...none.slice(0, 3), VALUE]);
  });

  test("writes it into content as that has its texts", async () => {
    const seen = (type: string): Promise<string> => through(exchange("body").requestContent(type), PLACEHOLDER);
    assert.equal(await seen("application/json; charset=utf-8"), 'k\\"e y$&/1');
    assert.equal(await seen("application/problem+json"), 'k\\"e y$&/1');
    assert.equal(await seen("application/x-www-form-urlencoded"), encodeURIComponent(VALUE));
  });

  test("lets no secret come back, in whatever form it went out", async () => {
    const one = exchange("headers");
    one.requestFields([["Authorization", basic("me", PLACEHOLDER)]]);
    const echo = [VALUE, JSON.stringify(VALUE), encodeURIComponent(VALUE), basic("me", VALUE), OTHER.value].join("|");
    const hidden = [PLACEHOLDER, `"${PLACEHOLDER}"`, PLACEHOLDER, basic("me", PLACEHOLDER), OTHER.placeholder].join(
      "|",
    );
    assert.equal(await through(one.answerContent(), echo), hidden);
    assert.deepEqual(one.answerFields([["location", `https://other.example/?${echo}`]]), [
      ["location", `https://other.example/?${hidden}`],
    ]);
  });
});
