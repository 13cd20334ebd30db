import type { Writable } from "node:stream";

/**
 * Writes a request's body, no faster than it is taken. Ends early and without an error when the stream is destroyed or
 * the answer has come: the answer says why.
 */
export async function sendBody(
  stream: Writable,
  body: Buffer | AsyncIterable<Buffer> | undefined,
  observe: { readonly answered: () => boolean; readonly onWritten: () => void; readonly onReading: () => void },
): Promise<void> {
  if (body === undefined || Buffer.isBuffer(body)) {
    stream.end(body);
    return;
  }
  observe.onReading();
  for await (const chunk of body) {
    if (stream.destroyed || observe.answered()) return;
    observe.onWritten();
    if (!stream.write(chunk)) await drained(stream);
    observe.onReading();
  }
  observe.onWritten();
  stream.end();
}

/** An answer too: it comes early when the server does not want the rest. */
const SETTLING = ["drain", "close", "error", "response"] as const;

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
