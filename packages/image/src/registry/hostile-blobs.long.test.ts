import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { type ErrorCode, OrlopError, parseReference } from "@orlop/core";
import { describeBytes, someBytes } from "./fixture-blobs-fixture.ts";
import type { RegistryLimits } from "./limits.ts";
import { MemoryIngest } from "./memory-ingest-fixture.ts";
import { RegistryClient } from "./registry-client.ts";
import { askedRange, ScriptedServer, serveRange } from "./scripted-server-fixture.ts";

const LIMITS = { firstPauseMs: 1, pauseMaxMs: 2, rangeBytes: 10_000, fastBytesPerSecond: Infinity };
const content = someBytes(100_000);
const layer = describeBytes(content);

interface Download {
  readonly ingest: MemoryIngest;
  readonly server: ScriptedServer;
}

async function download(
  script: (request: IncomingMessage, answer: ServerResponse, socket: Socket) => void,
  limits: Partial<RegistryLimits> = {},
  ingest = new MemoryIngest(layer),
): Promise<Download> {
  await using server = await ScriptedServer.start(script);
  using client = new RegistryClient({ limits: { ...LIMITS, ...limits } });
  await using source = client.source(parseReference(`${server.host}/app`));
  await source.download(layer, ingest);
  return { ingest, server };
}

function refusal(code: ErrorCode, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof OrlopError, `${error}`);
    assert.match(error.message, message);
    assert.equal(error.code, code);
    assert.match(error.message, /^Cannot read blob "sha256:[0-9a-f]{64}": 127\.0\.0\.1:\d+ /);
    return true;
  };
}

describe("a download from a server that", () => {
  test("closes in the middle goes on where it was cut", async () => {
    let cuts = 0;
    const { ingest } = await download((request, answer, socket) => {
      if (cuts++ % 2 === 1) return serveRange(request, answer, content);
      const { first, last } = askedRange(request, content.length);
      answer.writeHead(206, {
        "content-range": `bytes ${first}-${last}/${content.length}`,
        "content-length": last + 1 - first,
      });
      answer.write(content.subarray(first, first + 5_000), () => socket.destroySoon());
    });
    await ingest.commit();
    assert.equal(ingest.repeatedBytes, 0);
  });

  test("is fast is asked once", async () => {
    const serve = (request: IncomingMessage, answer: ServerResponse): void => serveRange(request, answer, content);
    const { ingest, server } = await download(serve, { fastBytesPerSecond: 1 });
    await ingest.commit();
    assert.deepEqual(
      server.seen.map(({ headers }) => headers.range),
      ["bytes=0-99999"],
    );
  });

  test("is slow is asked for the rest in ranges, over other connections", async () => {
    let goOn: (() => void) | undefined;
    const { ingest, server } = await download(
      (request, answer) => {
        if (goOn !== undefined) {
          goOn();
          return serveRange(request, answer, content);
        }
        answer.writeHead(206, { "content-range": "bytes 0-99999/100000", "content-length": content.length });
        answer.write(content.subarray(0, 5_000));
        goOn = () => void answer.write(content.subarray(5_000, 50_000));
      },
      { fastBytesPerSecond: 1e9 },
    );
    await ingest.commit();
    assert.equal(ingest.repeatedBytes, 0);
    const [first, ...others] = server.seen.map(({ headers }) => headers.range);
    assert.equal(first, "bytes=0-99999");
    // The first answer goes on to the end of a range that began where it was seen to be slow.
    assert.match(others[0] ?? "", /^bytes=15000-24999$/);
    assert.equal(others.length, 9);
  });

  test("is slow, and silent from then on, is asked again for what it owes", async () => {
    let count = 0;
    const { ingest, server } = await download(
      (request, answer) => {
        if (count++ > 0) return serveRange(request, answer, content);
        answer.writeHead(206, { "content-range": "bytes 0-99999/100000" });
        answer.write(content.subarray(0, 5_000));
      },
      { fastBytesPerSecond: 1e9, stallMaxMs: 200 },
    );
    await ingest.commit();
    assert.equal(ingest.repeatedBytes, 0);
    assert.ok(server.seen.some(({ headers }) => headers.range === "bytes=5000-14999"));
  });

  test("is slow and sends more than it was asked for is refused", async () => {
    let count = 0;
    const sending = download(
      (request, answer) => {
        const { first, last } = askedRange(request, content.length);
        answer.writeHead(206, { "content-range": `bytes ${first}-${last}/${content.length}` });
        if (count++ === 0) answer.write(content.subarray(0, 5_000));
        else answer.end(content.subarray(first, last + 2));
      },
      { fastBytesPerSecond: 1e9 },
    );
    await assert.rejects(sending, refusal("invalid", /sends more than was asked for/));
  });

  test("knows no ranges is asked once, and what is there is passed over", async () => {
    const present = [
      { offset: 0, length: 10 },
      { offset: 60_000, length: 10_000 },
    ];
    const { ingest, server } = await download(
      (_request, answer) => answer.end(content),
      {},
      new MemoryIngest(layer, present, content),
    );
    await ingest.commit();
    assert.equal(ingest.repeatedBytes, 0);
    assert.equal(server.seen.length, 1);
  });

  test("knows no ranges and closes in the middle is asked again for all", async () => {
    let count = 0;
    const { ingest } = await download((_request, answer, socket) => {
      if (count++ > 0) return void answer.end(content);
      answer.writeHead(200, { "content-length": content.length });
      answer.write(content.subarray(0, 50_000), () => socket.destroySoon());
    });
    await ingest.commit();
    assert.equal(ingest.repeatedBytes, 0);
  });

  test("closes at each byte is given up", async () => {
    let count = 0;
    const closing = download((request, answer, socket) => {
      count++;
      const { first, last } = askedRange(request, content.length);
      answer.writeHead(206, { "content-range": `bytes ${first}-${last}/${content.length}` });
      answer.write(content.subarray(first, first + 1), () => socket.destroySoon());
    });
    await assert.rejects(closing, refusal("failed", /closed the connection \(after 5 attempts\)/));
    assert.ok(count < 40, `${count} requests`);
  });

  test("stalls is given up after the time for that", async () => {
    const stalling = download(
      (request, answer) => {
        const { first, last } = askedRange(request, content.length);
        answer.writeHead(206, { "content-range": `bytes ${first}-${last}/${content.length}` });
        answer.write(content.subarray(first, first + 1));
      },
      { stallMaxMs: 20, attemptsMax: 2 },
    );
    await assert.rejects(stalling, refusal("cancelled", /was silent for 0.02 s \(after 2 attempts\)/));
  });

  test("never answers is given up", async () => {
    const silent = download(() => {}, { stallMaxMs: 20, attemptsMax: 2 });
    await assert.rejects(silent, refusal("cancelled", /was silent for 0.02 s \(after 2 attempts\)/));
  });

  const LIES: readonly [string, (first: number, last: number) => string][] = [
    ["another beginning", (first, last) => `bytes ${first + 1}-${last + 1}/${content.length}`],
    ["another length", (first, last) => `bytes ${first}-${last - 1}/${content.length}`],
    ["another total", (first, last) => `bytes ${first}-${last}/${content.length + 1}`],
    ["no range", () => ""],
    ["several ranges", () => "multipart/byteranges"],
  ];
  for (const [lie, range] of LIES) {
    test(`answers with ${lie} is refused`, async () => {
      const lying = download((request, answer) => {
        const { first, last } = askedRange(request, content.length);
        answer.writeHead(206, { "content-range": range(first, last) });
        answer.end(content.subarray(first, last + 1));
      });
      await assert.rejects(lying, refusal("invalid", /was asked for bytes 0-9999\/100000 and answers "/));
    });
  }

  test("sends more than it was asked for is refused", async () => {
    const sending = download((request, answer) => {
      const { first, last } = askedRange(request, content.length);
      answer.writeHead(206, { "content-range": `bytes ${first}-${last}/${content.length}` });
      answer.end(content.subarray(first, last + 2));
    });
    await assert.rejects(sending, refusal("invalid", /sends more than was asked for/));
  });

  test("sends less than it was asked for, again and again, is given up", async () => {
    const sending = download((request, answer) => {
      const { first, last } = askedRange(request, content.length);
      answer.writeHead(206, { "content-range": `bytes ${first}-${last}/${content.length}` });
      answer.end();
    });
    await assert.rejects(sending, refusal("failed", /ended 10000 bytes too early \(after 5 attempts\)/));
  });

  test("has another length of the whole is refused before anything is read", async () => {
    const sending = download((_request, answer) => answer.writeHead(200, { "content-length": "100001" }).end());
    await assert.rejects(sending, refusal("invalid", /has 100001 bytes of it, its descriptor says 100000/));
  });

  test("compresses unasked is refused", async () => {
    const sending = download((_request, answer) => answer.writeHead(206, { "content-encoding": "gzip" }).end("x"));
    await assert.rejects(sending, refusal("invalid", /sends it in the encoding "gzip", unasked/));
  });

  test("is busy is asked again after the time that it names, and given up when that is long", async () => {
    let count = 0;
    const { ingest } = await download((request, answer) => {
      if (count++ > 0) return serveRange(request, answer, content);
      answer.writeHead(429, { "retry-after": "0" }).end();
    });
    await ingest.commit();
    const waiting = download((_request, answer) =>
      answer.writeHead(503, { "retry-after": "3600" }).end("busy\n\x1b[2J"),
    );
    await assert.rejects(waiting, refusal("failed", /answered 503: busy \\u\{1b\}\[2J \(it asks to wait 3600 s\)/));
  });

  test("stores blobs elsewhere is asked for where that is once, without what is the registry's own", async () => {
    await using storage = await ScriptedServer.start((request, answer) => serveRange(request, answer, content));
    const { ingest, server } = await download((_request, answer) => {
      answer.writeHead(307, { location: `http://user:secret@${storage.host}/signed?a=b` }).end();
    });
    await ingest.commit();
    assert.equal(server.seen.length, 1);
    assert.equal(storage.seen.length, 10);
    for (const { url, headers } of storage.seen) {
      assert.equal(url, "/signed?a=b");
      assert.equal(headers.authorization, undefined);
    }
  });

  test("stores blobs elsewhere gives another place when the first is over", async () => {
    let asked = 0;
    await using storage = await ScriptedServer.start((request, answer) => {
      if (request.url === "/1" && asked++ > 2) answer.writeHead(403).end();
      else serveRange(request, answer, content);
    });
    let places = 0;
    const { ingest } = await download((_request, answer) => {
      places = Math.min(places + 1, 2);
      answer.writeHead(307, { location: `http://${storage.host}/${places}` }).end();
    });
    await ingest.commit();
  });

  test("redirects in a circle is given up", async () => {
    const circling = download((request, answer) => answer.writeHead(302, { location: request.url }).end());
    await assert.rejects(circling, refusal("invalid", /redirects more than 8 times/));
  });

  test("redirects to a file is refused", async () => {
    const leading = download((_request, answer) => answer.writeHead(302, { location: "file:///etc/passwd" }).end());
    await assert.rejects(leading, refusal("invalid", /leads to a place of the kind "file:"/));
  });

  test("does not speak HTTP is refused", async () => {
    const speaking = download((_request, _answer, socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
    await assert.rejects(speaking, refusal("failed", /does not speak HTTP\/1\.1/));
  });

  test("is cancelled stops at once", async () => {
    const controller = new AbortController();
    await using server = await ScriptedServer.start((_request, answer) => {
      answer.writeHead(200, { "content-length": content.length });
      answer.write(content.subarray(0, 1_000), () => controller.abort());
    });
    using client = new RegistryClient({ limits: LIMITS });
    await using source = client.source(parseReference(`${server.host}/app`));
    await assert.rejects(
      source.download(layer, new MemoryIngest(layer), { signal: controller.signal }),
      (error) => error instanceof OrlopError && error.code === "cancelled",
    );
  });

  test("gives bytes faster than they are written waits", async () => {
    const ingest = new MemoryIngest(layer);
    let unwritten = 0;
    let most = 0;
    ingest.onWrite = async (_offset, length) => {
      unwritten += length;
      most = Math.max(most, unwritten);
      await new Promise((resolve) => setImmediate(resolve));
      unwritten -= length;
    };
    await download((request, answer) => serveRange(request, answer, content), { unwrittenMaxBytes: 1_000 }, ingest);
    await ingest.commit();
    assert.ok(most <= 4 * 10_000, `${most} bytes were not yet written`);
  });
});
