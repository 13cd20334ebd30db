import type { Socket } from "node:net";
import { type Hello, HelloReader } from "./hello.ts";

/** Undefined for a caller that leaves before it has said all, or says what is no hello. */
export async function readHello(socket: Socket): Promise<Hello | undefined> {
  const reader = new HelloReader();
  const { promise, resolve } = Promise.withResolvers<Hello | undefined>();
  const onData = (chunk: Buffer): void => {
    try {
      const hello = reader.push(chunk);
      if (hello !== undefined) resolve(hello);
    } catch {
      resolve(undefined);
    }
  };
  const onEnd = (): void => resolve(undefined);
  socket.on("data", onData).on("end", onEnd).on("close", onEnd);
  try {
    return await promise;
  } finally {
    socket.off("data", onData).off("end", onEnd).off("close", onEnd);
  }
}
