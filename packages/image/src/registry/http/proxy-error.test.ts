import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { connectionFailure } from "./connection-failure.ts";
import { HttpClient } from "./http-client.ts";
import { RetryableFailure } from "./retryable-failure.ts";

/** What a request through a proxy fails with, which answers so, or takes no connections. */
async function failure(url: string, answer?: string): Promise<{ readonly error: unknown; readonly proxy: string }> {
  const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end(answer ?? "")));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (answer === undefined) server.close();
  using client = new HttpClient();
  const request = { method: "GET", url: new URL(url), headers: {}, stallMaxMs: 60_000 } as const;
  try {
    await client.send(request, { proxy: new URL(`http://${proxy}`) });
  } catch (error) {
    return { error: connectionFailure("read it", "a.example", error), proxy };
  } finally {
    server.close();
  }
  assert.fail("it was answered");
}

describe("what goes wrong with a proxy", () => {
  test("is said of it, not of the host behind it, where it is not there", async () => {
    for (const url of ["https://a.example/", "http://a.example/"]) {
      const { error, proxy } = await failure(url);
      assert.ok(error instanceof RetryableFailure);
      const what = `a.example is behind the proxy ${proxy}, which refuses the connection`;
      assert.equal(error.error.message, `Cannot read it: ${what}`);
    }
  });

  test("is not tried again where it wants a password, or is no proxy", async () => {
    const wants = await failure("https://a.example/", "HTTP/1.1 407 No\r\n\r\n");
    assert.ok(wants.error instanceof OrlopError);
    const [what, way] = wants.error.message.split("\n");
    assert.equal(what, `Cannot read it: a.example is behind the proxy ${wants.proxy}, which answered 407`);
    assert.match(way ?? "", /^Try a user and a password/);
    const none = await failure("https://a.example/", "220 mail.example\r\n\r\n");
    assert.ok(none.error instanceof OrlopError);
    assert.match(none.error.message, /is behind the proxy .*, which does not answer as a proxy$/);
  });

  test("is tried again where it says that it does not reach the host", async () => {
    const { error } = await failure("https://a.example/", "HTTP/1.1 503 Later\r\n\r\n");
    assert.ok(error instanceof RetryableFailure);
    assert.match(error.error.message, /which answered 503$/);
  });
});
