import type { Writable } from "node:stream";
import { ConnectionError } from "./connection-failure.ts";
import type { HttpRequest, HttpResponse } from "./http-exchange.ts";
import { sendBody } from "./send-body.ts";
import { StallError, StallTimer } from "./stall-timer.ts";

/** What a request's stream is written to and destroyed by. */
export type ExchangeStream = Writable;

/** How the one who opened the stream tells how it went. */
export interface Exchange {
  answered(response: HttpResponse): void;
  /** @param wasIdle on a connection that had been used before, which the server may have closed meanwhile */
  failed(error: unknown, wasIdle: boolean): void;
}

/** Sends one request over a stream that `open` makes, and waits for the head of its answer. */
export function exchange(request: HttpRequest, open: (settle: Exchange) => ExchangeStream): Promise<HttpResponse> {
  const { signal, body, stallMaxMs } = request;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    let isAnswered = false;
    const fail = (error: unknown): void => {
      settle();
      reject(error);
      stream.destroy();
    };
    const stream = open({
      answered(response) {
        isAnswered = true;
        settle();
        // A body that is still on its way to a server which has answered is not wanted.
        response.body.once("close", () => {
          if (!stream.writableFinished) stream.destroy();
        });
        resolve(response);
      },
      failed: (error, wasIdle) => fail(new ConnectionError(error, wasIdle)),
    });
    const stall = new StallTimer(stallMaxMs, () => fail(new StallError(stallMaxMs)));
    const onAbort = (): void => fail(signal?.reason);
    const settle = (): void => {
      stall[Symbol.dispose]();
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort);
    // Once the answer has come, its body tells of errors.
    stream.on("error", () => {});
    sendBody(stream, body, {
      answered: () => isAnswered,
      onWritten: () => stall.wait(),
      onReading: () => stall.hold(),
    }).catch(fail);
  });
}
