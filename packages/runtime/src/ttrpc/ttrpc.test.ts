import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { Codec } from "@orlop/core/protobuf";
import { RPC_CODE } from "@orlop/core/rpc";
import { temporaryDirectory } from "@orlop/testkit";
import { encodeFrame, FRAME_DATA_MAX_BYTES, FRAME_TYPE, type Frame, FrameReader } from "./frame.ts";
import { RPC } from "./rpc-messages.ts";
import { TtrpcClient } from "./ttrpc-client.ts";
import { type CallContext, service, TtrpcServer } from "./ttrpc-server.ts";

const SCHEMA = { Text: { text: [1, "string"], count: [2, "uint32"] } } as const;
const METHODS = { Echo: ["Text", "Text"], Fail: ["Text", "Text"], Wait: ["Text", "Text"] } as const;
const API = { service: "test.Service", codec: new Codec(SCHEMA), methods: METHODS };
/** Methods that the server does not have. */
const OTHER = { ...API, methods: { Other: ["Text", "Text"], toString: ["Text", "Text"] } } as const;

/** A server with something to call, and how its waiting calls ended. */
async function serve(path: string) {
  const aborted: string[] = [];
  const wait = ({ text }: { readonly text: string }, { signal }: CallContext): Promise<{ readonly text: string }> =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        aborted.push(text);
        resolve({ text: "aborted" });
      });
    });
  const server = await TtrpcServer.listen(
    [
      service(API, {
        Echo: ({ text, count }) => ({ text: text.repeat(count) }),
        Fail: ({ text }) => {
          throw text === "" ? new Error("no words") : new OrlopError("not-found", text);
        },
        Wait: wait,
      }),
    ],
    { path },
  );
  return { aborted, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describe("ttrpc between a client and a server of ours", () => {
  test("carries calls side by side, large ones too, and errors with their code and words", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "socket");
    await using _ = await serve(path);
    const client = await TtrpcClient.connect(path);
    const texts = await Promise.all([1, 2, 1_000_000].map((count) => client.call(API, "Echo", { text: "ab", count })));
    assert.deepEqual(
      texts.map(({ text }) => text.length),
      [2, 4, 2_000_000],
    );
    await assert.rejects(client.call(API, "Fail", { text: "no such thing" }), {
      code: "not-found",
      message: "no such thing",
    });
    await assert.rejects(client.call(API, "Fail", {}), { code: "failed", message: "no words" });
    await assert.rejects(client.call(OTHER, "Other", {}), { code: "unsupported" });
    await assert.rejects(client.call(OTHER, "toString", {}), { code: "unsupported" });
    await assert.rejects(client.call({ ...API, service: "test.Other" }, "Echo", {}), { code: "unsupported" });
    client.close();
    await client.closed;
    await assert.rejects(client.call(API, "Echo", {}), { code: "failed" });
  });

  test("refuses an answer that is too large, and goes on", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "socket");
    await using _ = await serve(path);
    const client = await TtrpcClient.connect(path);
    await assert.rejects(client.call(API, "Echo", { text: "ab", count: 3_000_000 }), { code: "exhausted" });
    const text = "x".repeat(FRAME_DATA_MAX_BYTES);
    await assert.rejects(client.call(API, "Echo", { text }), { code: "exhausted" });
    assert.equal((await client.call(API, "Echo", { text: "ok", count: 1 })).text, "ok");
    client.close();
  });

  test("tells a server of a client that is gone, and a client of a server", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "socket");
    const server = await serve(path);
    const [first, second] = [await TtrpcClient.connect(path), await TtrpcClient.connect(path)];
    const controller = new AbortController();
    const left = first.call(API, "Wait", { text: "first" }, { signal: controller.signal });
    const lost = second.call(API, "Wait", { text: "second" });
    assert.equal((await first.call(API, "Echo", { text: "in order", count: 1 })).text, "in order");
    assert.equal((await second.call(API, "Echo", { text: "in order", count: 1 })).text, "in order");
    controller.abort();
    await assert.rejects(left, { code: "cancelled" });
    first.close();
    await first.closed;
    const refused = assert.rejects(lost, { code: "failed" });
    await server[Symbol.asyncDispose]();
    await refused;
    assert.deepEqual(server.aborted.toSorted(), ["first", "second"]);
    await assert.rejects(TtrpcClient.connect(path), { code: "failed" });
  });
});

/** Sends bytes, and gives the frames that come back until `count` are there or the connection ends. */
async function exchange(path: string, bytes: Uint8Array, count: number): Promise<readonly Frame[]> {
  const socket = connect({ path });
  await once(socket, "connect");
  socket.write(bytes);
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for await (const chunk of socket) {
    frames.push(...reader.read(chunk as Buffer));
    if (frames.length >= count) break;
  }
  socket.destroy();
  return frames;
}

describe("a ttrpc server", () => {
  const request = (stream: number, flags = 0, type: number = FRAME_TYPE.request): Buffer => {
    const payload = API.codec.encode("Text", { text: "a", count: 1 });
    return encodeFrame({
      stream,
      type,
      flags,
      data: RPC.encode("Request", { service: API.service, method: "Echo", payload }),
    });
  };

  test("refuses streams, stream numbers of a server, and requests that are none, and goes on", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "socket");
    await using _ = await serve(path);
    const damaged = encodeFrame({ stream: 7, type: FRAME_TYPE.request, flags: 0, data: Buffer.from("ff", "hex") });
    const bytes = Buffer.concat([request(1, 1), request(2), request(3, 0, FRAME_TYPE.data), damaged, request(9)]);
    const frames = await exchange(path, bytes, 5);
    const codes = new Map(frames.map(({ stream, data }) => [stream, RPC.decode("Response", data).status?.code ?? 0]));
    assert.deepEqual(
      [1, 2, 3, 7, 9].map((stream) => codes.get(stream)),
      [RPC_CODE.unimplemented, RPC_CODE.invalidArgument, RPC_CODE.unimplemented, RPC_CODE.invalidArgument, RPC_CODE.ok],
    );
  });

  test("ends a connection over which a frame comes that is too large", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "socket");
    await using _ = await serve(path);
    assert.deepEqual(await exchange(path, Buffer.from("ffffffff000000010100", "hex"), 1), []);
  });

  test("ends a call whose time is up", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "socket");
    await using server = await serve(path);
    const payload = API.codec.encode("Text", { text: "late" });
    const data = RPC.encode("Request", { service: API.service, method: "Wait", payload, timeoutNano: 1_000_000n });
    await exchange(path, encodeFrame({ stream: 1, type: FRAME_TYPE.request, flags: 0, data }), 1);
    assert.deepEqual(server.aborted, ["late"]);
  });
});

test("frames come out as they went in, wherever the connection cuts them", () => {
  const frames = [0, 1, 300].map((length, index) => ({
    stream: 2 * index + 1,
    type: index + 1,
    flags: index,
    data: Buffer.alloc(length, index),
  }));
  const bytes = Buffer.concat(frames.map(encodeFrame));
  for (const size of [1, 2, 9, 10, 11, 150, bytes.length]) {
    const reader = new FrameReader();
    const found: Frame[] = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...reader.read(bytes.subarray(at, at + size)));
    assert.deepEqual(found, frames);
  }
});
