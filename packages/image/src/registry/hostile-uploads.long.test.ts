import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, test } from "node:test";
import { OrlopError, parseReference } from "@orlop/core";
import { describeBytes, pieces, someBytes } from "./fixture-blobs-fixture.ts";
import { RegistryClient } from "./registry-client.ts";
import { ScriptedServer } from "./scripted-server-fixture.ts";

const LIMITS = { firstPauseMs: 1, pauseMaxMs: 2, attemptsMax: 3, uploadChunkBytes: 400_000 };
const content = someBytes(1_000_000);
const layer = describeBytes(content);
const UPLOAD = "/v2/app/blobs/uploads/1";

/** What an upload has got so far, as a registry keeps it that forgets nothing. */
class Upload {
  received: Buffer = Buffer.alloc(0);
  isDone = false;

  /** Takes what of a request came, however it ended. */
  take(request: IncomingMessage, then: () => void, maxBytes = Number.POSITIVE_INFINITY): void {
    let left = maxBytes;
    request.on("data", (chunk: Buffer) => {
      const taken = chunk.subarray(0, left);
      left -= taken.length;
      this.received = Buffer.concat([this.received, taken]);
      if (left === 0) request.socket.destroy();
    });
    request.on("end", then);
    request.on("error", () => {});
  }

  /** Where it stands. */
  tell(answer: ServerResponse, status: number): void {
    const range = this.received.length === 0 ? {} : { range: `0-${this.received.length - 1}` };
    answer.writeHead(status, { location: UPLOAD, ...range }).end();
  }

  /** All that a plain registry answers. */
  answer(request: IncomingMessage, answer: ServerResponse): void {
    const { method } = request;
    if (method === "POST") {
      this.received = Buffer.alloc(0);
      this.tell(answer, 202);
    } else if (method === "GET") {
      this.tell(answer, 204);
    } else if (method === "HEAD") {
      answer.writeHead(this.isDone ? 200 : 404).end();
    } else if (method === "PATCH") {
      this.take(request, () => this.tell(answer, 202));
    } else {
      this.take(request, () => {
        this.isDone = true;
        answer.writeHead(201).end();
      });
    }
  }
}

async function push(
  script: (upload: Upload, request: IncomingMessage, answer: ServerResponse, count: number) => void,
): Promise<{ readonly upload: Upload; readonly methods: string; readonly offsets: readonly number[] }> {
  const upload = new Upload();
  let count = 0;
  await using server = await ScriptedServer.start((request, answer) => script(upload, request, answer, count++));
  using client = new RegistryClient({ limits: LIMITS });
  const offsets: number[] = [];
  const open = (offset: number): AsyncGenerator<Buffer> => {
    offsets.push(offset);
    return pieces(content, offset);
  };
  await client.sink(parseReference(`${server.host}/app`)).putBlob(layer, open);
  return { upload, methods: server.seen.map(({ method }) => method).join(" "), offsets };
}

describe("an upload to a server that", () => {
  test("takes chunks is made of them, the rest with the last request", async () => {
    const { upload, methods, offsets } = await push((state, request, answer) => state.answer(request, answer));
    assert.ok(upload.received.equals(content));
    assert.equal(methods, "POST PATCH PATCH PUT");
    assert.deepEqual(offsets, [0, 400_000, 800_000]);
  });

  test("is cut and keeps what came goes on there", async () => {
    const { upload, offsets } = await push((state, request, answer, count) => {
      if (count === 2) state.take(request, () => {}, 100_000);
      else state.answer(request, answer);
    });
    assert.ok(upload.received.equals(content));
    assert.deepEqual(offsets, [0, 400_000, 500_000, 900_000]);
  });

  test("is cut and forgets begins anew", async () => {
    const { upload, offsets } = await push((state, request, answer, count) => {
      if (count === 2) {
        state.received = Buffer.alloc(0);
        return void request.socket.destroy();
      }
      if (request.method === "GET") answer.writeHead(404).end();
      else state.answer(request, answer);
    });
    assert.ok(upload.received.equals(content));
    assert.deepEqual(offsets.filter((offset) => offset === 0).length, 2);
  });

  test("has it all when its last answer is lost is not asked for more", async () => {
    const { upload, methods } = await push((state, request, answer) => {
      if (request.method === "GET") return void answer.writeHead(404).end();
      if (request.method !== "PUT") return state.answer(request, answer);
      state.take(request, () => {
        state.isDone = true;
        request.socket.destroy();
      });
    });
    assert.ok(upload.received.equals(content));
    assert.equal(methods, "POST PATCH PATCH PUT GET HEAD");
  });

  test("takes no chunks gets it in one request", async () => {
    const { upload, methods } = await push((state, request, answer) => {
      if (request.method !== "PATCH") return state.answer(request, answer);
      request.resume();
      request.on("end", () => answer.writeHead(405).end());
    });
    assert.ok(upload.received.equals(content));
    assert.equal(methods, "POST PATCH POST PUT");
  });

  test("wants larger chunks gets them", async () => {
    const { upload, methods } = await push((state, request, answer) => {
      if (request.method === "POST") answer.setHeader("oci-chunk-min-length", "900000");
      state.answer(request, answer);
    });
    assert.ok(upload.received.equals(content));
    assert.equal(methods, "POST PATCH PUT");
  });

  const CONFUSED: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["has less of a chunk than it was sent", { location: UPLOAD, range: "0-9" }],
    ["has another range", { location: UPLOAD, range: "bytes 5-9/*" }],
    ["leads from a chunk to no place", {}],
    ["leads from a chunk to a file", { location: "file:///etc/passwd" }],
  ];
  for (const [what, headers] of CONFUSED) {
    test(`${what} gets it in one request`, async () => {
      const { upload, methods } = await push((state, request, answer) => {
        if (request.method === "PATCH") state.take(request, () => void answer.writeHead(202, headers).end());
        else state.answer(request, answer);
      });
      assert.ok(upload.received.equals(content));
      assert.equal(methods, "POST PATCH POST PUT");
    });
  }

  const WRONG: readonly (readonly [string, (answer: ServerResponse) => void, RegExp])[] = [
    ["leads to no place", (answer) => void answer.writeHead(202).end(), /leads to no place/],
    [
      "leads to a file",
      (answer) => void answer.writeHead(202, { location: "file:///x" }).end(),
      /leads to a place of the kind "file:"/,
    ],
    [
      "refuses",
      (answer) => void answer.writeHead(403).end('{"errors":[{"code":"DENIED","message":"no"}]}'),
      /answered 403: DENIED: no/,
    ],
  ];
  for (const [what, begun, message] of WRONG) {
    test(`${what} is given up`, async () => {
      await assert.rejects(
        push((_state, _request, answer) => begun(answer)),
        (error) => {
          assert.ok(error instanceof OrlopError, `${error}`);
          assert.match(error.message, /^Cannot push blob "sha256:\w+": 127\.0\.0\.1:\d+ /);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test("names another digest in the end is not believed", async () => {
    const pushing = push((state, request, answer) => {
      if (request.method === "PUT") answer.setHeader("docker-content-digest", `sha256:${"0".repeat(64)}`);
      state.answer(request, answer);
    });
    await assert.rejects(pushing, /names it sha256:0{64}/);
  });
});
