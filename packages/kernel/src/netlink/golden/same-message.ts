import assert from "node:assert/strict";
import { ByteReader } from "../byte-reader.ts";
import { ByteWriter } from "../byte-writer.ts";
import type { Codec } from "../codec.ts";
import { decodeMessages, type NetlinkMessage, NLM_F_ACK } from "../message.ts";
import { encodeRequest, type NetlinkRequest } from "../request.ts";

/** Decodes a body and asserts that encoding the value gives the same bytes again: nothing in it went unread. */
export function decodeFaithfully<T>(message: NetlinkMessage, codec: Codec<T>): T {
  const value = codec.read(new ByteReader(message.body, "golden"));
  const writer = new ByteWriter("golden");
  codec.write(value, writer);
  assert.equal(Buffer.from(writer.finish()).toString("hex"), Buffer.from(message.body).toString("hex"));
  return value;
}

/**
 * Asserts that a request of ours is the tool's message: type, flags, and the same fields with the same bytes. The
 * order of attributes, which the kernel does not look at, may differ. Acknowledgements may be asked for by either.
 */
export function assertSameMessage<T>(request: NetlinkRequest<unknown>, golden: NetlinkMessage, codec: Codec<T>): void {
  const [own] = decodeMessages(encodeRequest(request, golden.sequence));
  assert.ok(own !== undefined);
  assert.equal(own.type, golden.type, request.operation);
  assert.equal(own.flags & ~NLM_F_ACK, golden.flags & ~NLM_F_ACK, `flags of ${request.operation}`);
  assert.deepEqual(decodeFaithfully(own, codec), decodeFaithfully(golden, codec));
}
