import type { Writable } from "node:stream";

/**
 * Writes a request's body, no faster than it is taken. Stops without an error when the stream is destroyed, or when
 * the answer has come and says that it is not wanted.
 *
 * @returns whether all of it was written
 */
export async function sendBody(
  stream: Writable,
  body: Buffer | AsyncIterable<Buffer> | undefined,
  observe: { readonly refused: () => boolean; readonly onWritten: () => void; readonly onReading: () => void },
): Promise<boolean> {
  if (body === undefined) return true;
  if (Buffer.isBuffer(body)) {
    stream.write(body);
    return true;
  }
  observe.onReading();
  for await (const chunk of body) {
    if (stream.destroyed || observe.refused()) return false;
    observe.onWritten();
    if (!stream.write(chunk)) await drained(stream);
    observe.onReading();
  }
  observe.onWritten();
  return true;
}

const SETTLING = ["drain", "close", "error"] as const;

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      for (const event of SETTLING) stream.off(event, settle);
      resolve();
    };
    for (const event of SETTLING) stream.on(event, settle);
    if (stream.destroyed) settle();
  });
}
