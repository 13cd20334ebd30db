import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { dbusMessageLength, decodeDBusMessage, encodeDBusMessage } from "../../dbus/dbus-message.ts";

/** As much as sd-bus reads at once as long as it authenticates (bus_socket_read_auth). */
const AUTHENTICATION_BYTES = 256;

/**
 * systemd's own socket, as slow as it can be: it reads the end of the authentication together with what the client sends
 * behind it, and looks at that part only when there is more to read. Gives its address.
 */
export async function startPrivateSocket(t: TestContext): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "orlop-private-"));
  const server = createServer((socket) => {
    let received: Buffer = Buffer.alloc(0);
    let authenticated = false;
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (!authenticated) {
        const begin = received.indexOf("BEGIN\r\n");
        if (begin === -1) {
          socket.write(received.includes("DATA\r\n") ? "OK 00\r\n" : "DATA\r\n");
          return;
        }
        if (received.length <= AUTHENTICATION_BYTES) return;
        authenticated = true;
        received = received.subarray(begin + "BEGIN\r\n".length);
      }
      received = answerAll(received, socket);
    });
  });
  t.after(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });
  const path = join(directory, "private");
  server.listen(path);
  await once(server, "listening");
  return `unix:path=${path}`;
}

/** Answers every whole message; gives what is left. */
function answerAll(received: Buffer, socket: Socket): Buffer {
  const length = dbusMessageLength(received);
  if (length === undefined || received.length < length) return received;
  const { serial, body } = decodeDBusMessage(received.subarray(0, length));
  const value = body.includes("Version") ? "252" : "/";
  const answer =
    body.length === 0 ? { signature: "", body: [] } : { signature: "v", body: [{ signature: "s", value }] };
  socket.write(encodeDBusMessage({ type: "reply", serial, replySerial: serial, ...answer }));
  return answerAll(received.subarray(length), socket);
}
