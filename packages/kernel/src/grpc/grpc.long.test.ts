import assert from "node:assert/strict";
import { once } from "node:events";
import { lstatSync, readdirSync, writeFileSync } from "node:fs";
import { connect as connectHttp2, createServer, type ServerHttp2Stream } from "node:http2";
import { connect, createServer as createSocketServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { Codec } from "@orlop/core/protobuf";
import { temporaryDirectory } from "@orlop/testkit";
import type { GrpcApi } from "./grpc-api.ts";
import { GrpcClient } from "./grpc-client.ts";
import { encodeGrpcMessage, MESSAGE_MAX_BYTES } from "./grpc-message.ts";
import { GrpcServer } from "./grpc-server.ts";
import { type GrpcCall, type GrpcHandlers, grpcService } from "./grpc-service.ts";

const SCHEMA = { Text: { text: [1, "string"] } } as const;
const METHODS = {
  Echo: ["Text", "Text"],
  Fail: ["Text", "Text"],
  Wait: ["Text", "Text"],
  Letters: ["Text", "Text", "stream"],
} as const;
const codec: Codec<typeof SCHEMA> = new Codec(SCHEMA);
const API: GrpcApi<typeof SCHEMA, typeof METHODS> = { service: "tests.v1.Letters", codec, methods: METHODS };

/** What `Wait` was called with, and its call. */
class Waiting {
  readonly started = Promise.withResolvers<GrpcCall>();
  readonly ended = Promise.withResolvers<void>();
}

function handlers(waiting: Waiting): GrpcHandlers<typeof SCHEMA, typeof METHODS> {
  return {
    Echo: async ({ text }, { metadata }) => ({ text: `${metadata.greeting ?? ""}${text}` }),
    Fail: async ({ text }) => {
      const [code = "", message = ""] = text.split(" ", 2);
      throw code === "other" ? new Error(message) : new OrlopError(code as OrlopError["code"], message);
    },
    Wait: async ({ text }, call) => {
      waiting.started.resolve(call);
      await waiting.ended.promise;
      return { text };
    },
    async *Letters({ text }) {
      for (const letter of text) {
        if (letter === "!") throw new OrlopError("conflict", "no such letter");
        yield { text: letter };
      }
    },
  };
}

async function served(
  work: (bench: { client: GrpcClient; path: string; waiting: Waiting }) => Promise<void>,
): Promise<void> {
  using directory = temporaryDirectory();
  const path = join(directory.path, "sock");
  const waiting = new Waiting();
  await using _server = await GrpcServer.listen([grpcService(API, handlers(waiting))], path);
  using client = new GrpcClient(path, { metadata: { greeting: "hello," } });
  try {
    await work({ client, path, waiting });
  } finally {
    waiting.ended.resolve();
  }
}

describe("calls over gRPC", () => {
  test("are answered, many at once, with what the caller sends along", () =>
    served(async ({ client }) => {
      const texts = Array.from({ length: 600 }, (_, index) => `${index}`);
      const answers = await Promise.all(texts.map((text) => client.call(API, "Echo", { text })));
      assert.deepEqual(
        answers,
        texts.map((text) => ({ text: `hello,${text}` })),
      );
    }));

  test("carry messages up to the limit, and none that is larger", () =>
    served(async ({ client }) => {
      const text = "x".repeat(MESSAGE_MAX_BYTES - 100);
      assert.equal((await client.call(API, "Echo", { text })).text.length, text.length + "hello,".length);
      const tooLarge = { code: "exhausted", message: /larger than MESSAGE_MAX_BYTES/ };
      await assert.rejects(client.call(API, "Echo", { text: `${text}${"x".repeat(100)}` }), tooLarge);
      // It is the answer now that is too large.
      await assert.rejects(client.call(API, "Echo", { text: `${text}${"x".repeat(90)}` }), tooLarge);
      assert.equal((await client.call(API, "Echo", { text: "still" })).text, "hello,still");
    }));

  test("fail with the code and the words of whoever answers", () =>
    served(async ({ client }) => {
      for (const code of [
        "not-found",
        "exists",
        "conflict",
        "invalid",
        "denied",
        "unsupported",
        "exhausted",
      ] as const) {
        const message = `Cannot~find~"${code}":~100%~über\nTry~it.`;
        await assert.rejects(client.call(API, "Fail", { text: `${code} ${message}` }), {
          name: "OrlopError",
          code,
          message,
          // By which the command tells it from a mistake of its user's.
          operation: `call "Fail" of "${client.path}"`,
        });
      }
      await assert.rejects(client.call(API, "Fail", { text: "other words" }), { code: "failed", message: "words" });
      const long = "ü".repeat(10_000);
      await assert.rejects(client.call(API, "Fail", { text: `conflict ${long}` }), { message: long.slice(0, 2048) });
    }));

  test("give any number of messages, and then perhaps an error", () =>
    served(async ({ client }) => {
      const letters = async (text: string): Promise<string> =>
        (await Array.fromAsync(client.stream(API, "Letters", { text }))).map((each) => each.text).join("");
      assert.equal(await letters(""), "");
      assert.equal(await letters("abc".repeat(2000)), "abc".repeat(2000));
      await assert.rejects(letters("ab!c"), { code: "conflict", message: "no such letter" });
      await assert.rejects(letters("!"), { code: "conflict" });
      for await (const { text } of client.stream(API, "Letters", { text: "x".repeat(100_000) })) {
        assert.equal(text, "x");
        break;
      }
      assert.equal(await letters("again"), "again");
    }));

  test("end for both sides when the caller cancels, or his time is up", () =>
    served(async ({ client, path, waiting }) => {
      const controller = new AbortController();
      const call = client.call(API, "Wait", {}, { signal: controller.signal });
      const { signal } = await waiting.started.promise;
      controller.abort();
      await assert.rejects(call, { code: "cancelled", message: /it was cancelled/ });
      if (!signal.aborted) await once(signal, "abort");
      await assert.rejects(client.call(API, "Wait", {}, { signal: controller.signal }), { code: "cancelled" });
      using hasty = new GrpcClient(path, { timeoutMs: 1 });
      await assert.rejects(hasty.call(API, "Wait", {}), { code: "cancelled", message: /longer than 1 ms/ });
    }));

  test("are refused for methods and services that there are not", () =>
    served(async ({ client }) => {
      const more = { ...METHODS, Other: ["Text", "Text"] } as const;
      await assert.rejects(client.call({ ...API, methods: more }, "Other", {}), { code: "unsupported" });
      await assert.rejects(client.call({ ...API, service: "x" }, "Echo", {}), { code: "unsupported" });
    }));
});

describe("a gRPC server", () => {
  test("answers what was asked before it ends, and nothing afterwards", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "sock");
    const waiting = new Waiting();
    const server = await GrpcServer.listen([grpcService(API, handlers(waiting))], path);
    using client = new GrpcClient(path);
    const call = client.call(API, "Wait", { text: "done" });
    await waiting.started.promise;
    const end = server[Symbol.asyncDispose]();
    waiting.ended.resolve();
    assert.equal((await call).text, "done");
    await end;
    await assert.rejects(client.call(API, "Echo", {}), { code: "failed", message: /ENOENT/ });
    assert.deepEqual(readdirSync(directory.path), []);
    await using _next = await GrpcServer.listen([grpcService(API, handlers(waiting))], path);
    assert.equal((await client.call(API, "Echo", { text: "again" })).text, "again");
  });

  test("listens for its user alone, where a killed one has left its socket, and where nobody listens", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "sock");
    const stale = createSocketServer();
    stale.listen(path);
    await once(stale, "listening");
    await assert.rejects(GrpcServer.listen([], path), { code: "exists", message: /somebody listens there/ });
    // A name of its own stays behind, as after a kill.
    const kept = join(directory.path, "kept");
    await import("node:fs/promises").then(({ link }) => link(path, kept));
    stale.close();
    await once(stale, "close");
    assert.equal(lstatSync(kept).isSocket(), true);
    {
      await using _server = await GrpcServer.listen([], kept);
      assert.equal(lstatSync(kept).mode & 0o777, 0o600);
      await assert.rejects(GrpcServer.listen([], kept), { code: "exists" });
    }
    writeFileSync(kept, "");
    await assert.rejects(GrpcServer.listen([], kept), { code: "exists", message: /something else/ });
    await assert.rejects(GrpcServer.listen([], join(directory.path, "none", "sock")), { code: "failed" });
    await assert.rejects(GrpcServer.listen([], `/${"x".repeat(200)}`), { code: "invalid" });
    assert.deepEqual(readdirSync(directory.path), ["kept"]);
  });

  test("refuses what is no gRPC, and goes on", () =>
    served(async ({ client, path }) => {
      const noise = connect({ path });
      noise.on("error", () => {});
      noise.end("GET / HTTP/1.1\r\n\r\n");
      await once(noise.resume(), "close");
      const session = connectHttp2("http://localhost", { createConnection: () => connect({ path }) });
      const ask = async (headers: Record<string, string>, body: Buffer): Promise<Record<string, unknown>> => {
        const stream = session.request({ ":method": "POST", "content-type": "application/grpc", ...headers });
        stream.end(body);
        const [found] = await once(stream, "response");
        stream.resume();
        return { ...found };
      };
      const echo = { ":path": "/tests.v1.Letters/Echo" };
      const good = encodeGrpcMessage(codec.encode("Text", { text: "x" }));
      const status = async (headers: Record<string, string>, body: Buffer): Promise<unknown> =>
        (await ask(headers, body))["grpc-status"];
      assert.equal((await ask({ ...echo, "content-type": "text/plain" }, good))[":status"], 415);
      assert.equal((await ask({ ...echo, ":method": "PUT" }, good))[":status"], 415);
      assert.equal(await status({ ":path": "/" }, good), "12");
      assert.equal(await status(echo, Buffer.alloc(0)), "3");
      assert.equal(await status(echo, Buffer.concat([good, good])), "3");
      assert.equal(await status(echo, good.subarray(0, -1)), "3");
      assert.equal(await status(echo, encodeGrpcMessage(Buffer.from("\xff\xff"))), "3");
      assert.equal(await status(echo, Buffer.concat([Buffer.of(1), good.subarray(1)])), "12");
      assert.equal(await status(echo, Buffer.from("00ffffffff", "hex")), "8");
      assert.equal(await status({ ...echo, "grpc-timeout": "soon" }, good), "3");
      session.destroy();
      assert.equal((await client.call(API, "Echo", { text: "still" })).text, "hello,still");
    }));
});

describe("a gRPC client", () => {
  /** A server of HTTP/2 that answers each request so. */
  async function against(
    answer: (stream: ServerHttp2Stream) => void,
    work: (client: GrpcClient) => Promise<void>,
  ): Promise<void> {
    using directory = temporaryDirectory();
    const path = join(directory.path, "sock");
    const server = createServer();
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.on("error", () => {});
      answer(stream);
    });
    server.listen(path);
    await once(server, "listening");
    using client = new GrpcClient(path);
    try {
      await work(client);
    } finally {
      server.close();
    }
  }

  const head = { ":status": 200, "content-type": "application/grpc" };
  const message = encodeGrpcMessage(codec.encode("Text", { text: "x" }));
  const cases: readonly (readonly [what: string, answer: (stream: ServerHttp2Stream) => void, message: RegExp])[] = [
    ["another status of HTTP", (stream) => stream.respond({ ":status": 404 }, { endStream: true }), /HTTP status 404/],
    [
      "another type",
      (stream) => stream.respond({ ...head, "content-type": "text/html" }, { endStream: true }),
      /not gRPC/,
    ],
    ["no status", (stream) => stream.respond(head, { endStream: true }), /without a status/],
    [
      "a status that is none",
      (stream) => stream.respond({ ...head, "grpc-status": "x" }, { endStream: true }),
      /without a status/,
    ],
    ["no message", (stream) => stream.respond({ ...head, "grpc-status": "0" }, { endStream: true }), /has no message/],
    ["two messages", (stream) => end(stream, Buffer.concat([message, message])), /more than one message/],
    ["half a message", (stream) => end(stream, message.subarray(0, -1)), /ended within it/],
    [
      "a message without end",
      (stream) => end(stream, Buffer.from("00ffffffff", "hex")),
      /larger than MESSAGE_MAX_BYTES/,
    ],
    ["a compressed message", (stream) => end(stream, Buffer.concat([Buffer.of(1), message.subarray(1)])), /compressed/],
    [
      "a message that is none",
      (stream) => end(stream, encodeGrpcMessage(Buffer.from("ffff", "hex"))),
      /Cannot decode message/,
    ],
    [
      "an end in the middle",
      (stream) => stream.respond(head) ?? stream.write(message, () => stream.session?.destroy()),
      /Cannot call "Echo"/,
    ],
    ["nothing", (stream) => stream.session?.destroy(), /Cannot call "Echo"/],
    ["a reset", (stream) => stream.close(2), /Cannot call "Echo"/],
  ];
  function end(stream: ServerHttp2Stream, body: Buffer): void {
    stream.respond(head, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(body);
  }
  for (const [what, answer, message] of cases) {
    test(`says what is wrong with ${what}`, () =>
      against(answer, async (client) => {
        for (const _ of ["first", "again"]) {
          await assert.rejects(client.call(API, "Echo", { text: "x" }), { name: "OrlopError", message });
        }
      }));
  }
});
