import type { Socket } from "node:net";
import { OrlopError } from "@orlop/core";

/** Longest line that a server may send before we stop listening to it. */
const LINE_BYTES_MAX = 16_384;

/**
 * Authenticates as a Unix user by the socket's credentials (D-Bus specification, "Authentication Protocol",
 * mechanism EXTERNAL), and gives the bytes that came after, usually none. Without a user id, as whoever the other side
 * takes those credentials for.
 *
 * Throws OrlopError("denied") when the server rejects the user, OrlopError("failed") on another answer or none,
 * OrlopError("cancelled") when aborted. The socket is destroyed then.
 */
export async function authenticateDBus(
  socket: Socket,
  uid: number | undefined,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  let received = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const end = received.indexOf("\r\n");
    if (end === -1 && received.length <= LINE_BYTES_MAX) return;
    const line = received.subarray(0, end === -1 ? 40 : end).toString("latin1");
    if (/^OK [0-9a-fA-F]+$/.test(line)) resolve(received.subarray(end + 2));
    else if (/^(REJECTED|ERROR)/.test(line)) reject(refused(uid, line));
    else if (uid === undefined && line === "DATA") {
      received = received.subarray(end + 2);
      socket.write("DATA\r\n");
    } else reject(failed(`it answered ${JSON.stringify(line)}`));
  };
  const onError = (error: Error) => reject(failed(error.message, error));
  const onClose = () => reject(failed("it closed the connection"));
  const onAbort = () => {
    reject(
      new OrlopError("cancelled", "Cannot authenticate to D-Bus: it was called off", { operation: "connect to D-Bus" }),
    );
  };
  socket.on("data", onData).on("error", onError).on("close", onClose);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    // The null byte carries the credentials; the user id is hexadecimal of its decimal digits.
    const identity = uid === undefined ? "" : ` ${Buffer.from(String(uid)).toString("hex")}`;
    socket.write(`\0AUTH EXTERNAL${identity}\r\n`);
    const rest = await promise;
    // Nobody listens until the connection takes over.
    socket.pause();
    socket.write("BEGIN\r\n");
    return rest;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    socket.off("data", onData).off("error", onError).off("close", onClose);
    signal?.removeEventListener("abort", onAbort);
  }
}

function refused(uid: number | undefined, line: string): OrlopError {
  return new OrlopError(
    "denied",
    `Cannot authenticate to D-Bus${uid === undefined ? "" : ` as user "${uid}"`}: the server answered ${JSON.stringify(line)}`,
    {
      operation: "connect to D-Bus",
    },
  );
}

function failed(what: string, cause?: unknown): OrlopError {
  return new OrlopError("failed", `Cannot authenticate to D-Bus: ${what}`, { operation: "connect to D-Bus", cause });
}
