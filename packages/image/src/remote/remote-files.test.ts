import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { TestMirror } from "../debian/fixtures/test-mirror.ts";
import { RemoteFiles } from "./remote-files.ts";

const CONTENT = Buffer.from("content");
const request = { size: CONTENT.length, sizeMax: 100 };

/** Begins a file of CONTENT's length, and has not sent all of it. */
function begin(response: ServerResponse): void {
  response.writeHead(200, { "content-length": CONTENT.length });
  response.write(CONTENT.subarray(0, 3));
}

test("fetches again what was cut off, three times at most", async () => {
  await using mirror = await TestMirror.start();
  using files = new RemoteFiles(() => undefined);
  const url = new URL("file", mirror.url);
  mirror.files.set("file", {
    respond: (response) => {
      begin(response);
      response.destroy();
      mirror.files.set("file", CONTENT);
    },
  });
  assert.deepEqual(await files.get(url, request), CONTENT);
  assert.deepEqual(mirror.requests, ["file", "file"]);
  mirror.files.set("cut", { respond: (response) => void response.destroy() });
  await assert.rejects(
    files.get(new URL("cut", mirror.url), request),
    (error) => error instanceof OrlopError && error.code === "failed",
  );
  assert.equal(mirror.requests.filter((path) => path === "cut").length, 3);
});

test("asks again when the server has an error, and not when it refuses", async () => {
  await using mirror = await TestMirror.start();
  using files = new RemoteFiles(() => undefined);
  for (const [status, tries] of [
    [503, 3],
    [403, 1],
  ] as const) {
    mirror.files.set(`${status}`, { respond: (response) => void response.writeHead(status).end() });
    await assert.rejects(
      files.get(new URL(`${status}`, mirror.url), request),
      (error) => error instanceof OrlopError && error.message.endsWith(`: the server answers with ${status}`),
    );
    assert.equal(mirror.requests.filter((path) => path === `${status}`).length, tries);
  }
});

test("ends the connection when it is told to end, and does not ask again", async () => {
  await using mirror = await TestMirror.start();
  using files = new RemoteFiles(() => undefined);
  const abort = new AbortController();
  const reason = new Error("enough");
  const ended = Promise.withResolvers<unknown>();
  mirror.files.set("file", {
    respond: (response) => {
      ended.resolve(once(response, "close"));
      begin(response);
    },
  });
  const fetching = files.get(new URL("file", mirror.url), {
    ...request,
    signal: abort.signal,
    onBytes: () => abort.abort(reason),
  });
  await assert.rejects(fetching, reason);
  await ended.promise;
  assert.deepEqual(mirror.requests, ["file"]);
});

test("refuses more than it was to get, at once", async () => {
  await using mirror = await TestMirror.start();
  using files = new RemoteFiles(() => undefined);
  mirror.files.set("file", {
    respond: (response) => void response.writeHead(200).write(Buffer.alloc(1000)),
  });
  const url = new URL("file", mirror.url);
  for (const limits of [request, { sizeMax: 999 }]) {
    await assert.rejects(
      files.get(url, limits),
      (error) => error instanceof OrlopError && error.code === "exhausted" && error.message.includes("more than"),
    );
  }
});

test("asks the proxy, which is told the host", async () => {
  await using proxy = await TestMirror.start();
  using files = new RemoteFiles(() => proxy.url);
  proxy.files.set("debian/file", CONTENT);
  assert.deepEqual(await files.get(new URL("http://mirror.invalid/debian/file"), request), CONTENT);
  assert.deepEqual(proxy.hosts, ["mirror.invalid"]);
});
