import { inflateRawSync, inflateSync } from "node:zlib";
import {
  byteAt,
  malformedOpenpgp,
  PACKET_COMPRESSED,
  PACKET_LITERAL,
  PACKET_ONE_PASS_SIGNATURE,
  PACKET_SIGNATURE,
  type Packet,
  readPackets,
} from "./read-packets.ts";

/** What a message with one signature has in it. */
interface SignedMessage {
  readonly content: Buffer;
  readonly signature: Packet;
}

/**
 * Takes a message apart that was signed as a whole, as `gpg --sign` makes it (RFC 9580, section 10.3): compressed or not, a
 * signature announced, the content, the signature. Anything besides is refused, lest what was signed and what is read be two
 * things.
 *
 * @throws OrlopError `invalid`
 */
export function readSignedMessage(bytes: Buffer, contentMaxBytes: number): SignedMessage {
  const outer = readPackets(bytes);
  const [first] = outer;
  const isCompressed = outer.length === 1 && first?.type === PACKET_COMPRESSED;
  // Besides the content, room for what stands around it.
  const packets = isCompressed ? readPackets(uncompressed(first.body, 2 * contentMaxBytes)) : outer;
  const [announced, literal, signature, ...more] = packets;
  if (
    announced?.type !== PACKET_ONE_PASS_SIGNATURE ||
    literal?.type !== PACKET_LITERAL ||
    signature?.type !== PACKET_SIGNATURE ||
    more.length > 0
  ) {
    throw malformedOpenpgp("it is no message with one signature");
  }
  const content = contentOf(literal.body);
  if (content.length > contentMaxBytes) throw malformedOpenpgp(`its content has more than ${contentMaxBytes} bytes`);
  return { content, signature };
}

/** RFC 9580, section 5.6. */
function uncompressed(body: Buffer, maxOutputLength: number): Buffer {
  const algorithm = byteAt(body, 0);
  const data = body.subarray(1);
  try {
    switch (algorithm) {
      case 0:
        return data;
      case 1:
        return inflateRawSync(data, { maxOutputLength });
      case 2:
        return inflateSync(data, { maxOutputLength });
    }
  } catch (cause) {
    throw malformedOpenpgp(`it cannot be uncompressed: ${(cause as Error).message}`);
  }
  throw malformedOpenpgp(`it is compressed in a way that is not known (${algorithm})`);
}

/** RFC 9580, section 5.9: a format, a name and a time stand in front, none of which is signed. */
function contentOf(body: Buffer): Buffer {
  const head = 1 + 1 + byteAt(body, 1) + 4;
  if (head > body.length) throw malformedOpenpgp("its content is cut off");
  return body.subarray(head);
}
