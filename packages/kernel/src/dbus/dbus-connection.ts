import { connect, type Socket } from "node:net";
import { OrlopError } from "@orlop/core";
import { parseDBusAddress } from "./dbus-address.ts";
import { authenticateDBus } from "./dbus-auth.ts";
import { dbusReplyError } from "./dbus-error.ts";
import { type DBusMessage, dbusMessageLength, decodeDBusMessage, encodeDBusMessage } from "./dbus-message.ts";
import type { DBusValue } from "./dbus-value.ts";

interface DBusConnectOptions {
  /** A D-Bus server address. */
  readonly address: string;
  /** False for a direct connection to a program, such as /run/systemd/private: there is no bus to say hello to. */
  readonly bus?: boolean;
  /** User id to authenticate as; absent: the one that the other side sees, which in a user namespace is another. */
  readonly uid?: number;
  readonly signal?: AbortSignal;
}

/** A method call: what to call where, with which arguments. */
interface DBusCall {
  readonly destination?: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly DBusValue[];
}

interface PendingCall {
  readonly call: DBusCall;
  readonly resolve: (reply: DBusMessage) => void;
  readonly reject: (error: unknown) => void;
}

/** So many calls may wait for an answer at once. */
const PENDING_CALLS_MAX = 1024;

/**
 * A connection to a message bus, or directly to a program that speaks D-Bus.
 *
 * Life: `connect` authenticates and, on a bus, gets a name; `call` sends and waits for the answer, several at
 * once as the caller likes; signals go to the listeners; `close`, or the other side, ends it, and every call that
 * still waits is rejected.
 */
export class DBusConnection {
  readonly #socket: Socket;
  readonly #pending = new Map<number, PendingCall>();
  readonly #listeners = new Set<(message: DBusMessage) => void>();
  /** Received and not read yet; joined only once a whole message is there, so that a long one is copied once. */
  #chunks: Uint8Array[] = [];
  #received = 0;
  #awaited = 0;
  #serial = 0;
  #failure: OrlopError | undefined = undefined;
  readonly #ending = new AbortController();
  /** Aborts when the connection ends, by whichever side, with the error as its reason. */
  readonly ended: AbortSignal = this.#ending.signal;
  /** The unique name that the bus gave; undefined on a direct connection. */
  uniqueName: string | undefined = undefined;

  private constructor(socket: Socket, received: Uint8Array) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (error) => this.#end(closed(error.message, error)));
    socket.on("close", () => this.#end(closed("the other side closed it")));
    this.#receive(received);
    socket.resume();
  }

  /**
   * Tries the address's sockets in order. Throws OrlopError("not-found") when none can be reached,
   * OrlopError("denied") when the other side does not accept the user.
   */
  static async connect(options: DBusConnectOptions): Promise<DBusConnection> {
    const { address, bus = true, signal } = options;
    let failure: unknown;
    for (const path of parseDBusAddress(address)) {
      try {
        const socket = await open(path, signal);
        const received = await authenticateDBus(socket, options.uid, signal);
        const connection = new DBusConnection(socket, received);
        if (bus) await connection.#hello(signal);
        return connection;
      } catch (error) {
        if (error instanceof OrlopError) throw error;
        failure = error;
      }
    }
    const what = failure instanceof Error ? failure.message : String(failure);
    throw new OrlopError(
      signal?.aborted ? "cancelled" : "not-found",
      `Cannot connect to D-Bus address "${address}": ${what}`,
      {
        operation: "connect to D-Bus",
        cause: failure,
      },
    );
  }

  /**
   * Calls a method and gives the values of its answer. Throws an OrlopError whose code follows the error's D-Bus
   * name, which `dbusErrorName` gives; OrlopError("cancelled") when aborted.
   */
  async call(call: DBusCall, signal?: AbortSignal): Promise<readonly DBusValue[]> {
    if (this.#failure !== undefined) throw this.#failure;
    if (signal?.aborted) throw calledOff(call, signal.reason);
    if (this.#pending.size >= PENDING_CALLS_MAX) {
      throw new OrlopError(
        "exhausted",
        `Cannot call D-Bus method "${call.member}": ${PENDING_CALLS_MAX} calls wait already`,
      );
    }
    const serial = this.send({ type: "call", signature: "", body: [], ...call });
    const { promise, resolve, reject } = Promise.withResolvers<DBusMessage>();
    this.#pending.set(serial, { call, resolve, reject });
    const abort = () => this.#forget(serial)?.reject(calledOff(call, signal?.reason));
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return (await promise).body;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Sends a message of any type and gives the serial that it got. */
  send(message: Omit<DBusMessage, "serial">): number {
    // Serials are 32 bits and never zero.
    this.#serial = this.#serial === 0xffff_ffff ? 1 : this.#serial + 1;
    this.#socket.write(encodeDBusMessage({ ...message, serial: this.#serial }));
    return this.#serial;
  }

  /** Hears every signal, and every call to us. Returns the way to stop hearing. */
  listen(listener: (message: DBusMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#end(closed("it was closed here"));
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #hello(signal: AbortSignal | undefined): Promise<void> {
    const call = { ...BUS, member: "Hello" };
    const [name] = await this.call(call, signal);
    this.uniqueName = String(name);
  }

  #receive(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    if (this.#received < this.#awaited) return;
    let bytes: Uint8Array = Buffer.concat(this.#chunks);
    try {
      for (;;) {
        const length = dbusMessageLength(bytes);
        this.#awaited = length ?? 0;
        if (length === undefined || bytes.length < length) break;
        const message = decodeDBusMessage(bytes.subarray(0, length));
        bytes = bytes.subarray(length);
        this.#dispatch(message);
      }
    } catch (error) {
      // After bytes that make no sense nothing that follows can be trusted.
      this.#end(error instanceof OrlopError ? error : closed(String(error), error));
      this.#socket.destroy();
    }
    this.#chunks = [bytes];
    this.#received = bytes.length;
  }

  #dispatch(message: DBusMessage): void {
    if (message.type === "signal" || message.type === "call") {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const pending = this.#forget(message.replySerial ?? 0);
    if (message.type === "reply") pending?.resolve(message);
    else pending?.reject(dbusReplyError(pending.call.member, message));
  }

  #forget(serial: number): PendingCall | undefined {
    const pending = this.#pending.get(serial);
    this.#pending.delete(serial);
    return pending;
  }

  #end(error: OrlopError): void {
    this.#failure ??= error;
    this.#ending.abort(this.#failure);
    for (const serial of [...this.#pending.keys()]) this.#forget(serial)?.reject(this.#failure);
  }
}

/** The bus itself, for calls such as AddMatch. */
export const BUS: Pick<DBusCall, "destination" | "path" | "interface"> = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
};

function calledOff(call: DBusCall, cause: unknown): OrlopError {
  return new OrlopError("cancelled", `Cannot call D-Bus method "${call.member}": it was called off`, {
    operation: "call D-Bus",
    cause,
  });
}

function closed(what: string, cause?: unknown): OrlopError {
  return new OrlopError("failed", `Cannot use D-Bus connection: ${what}`, { operation: "call D-Bus", cause });
}

/** The signal calls off connecting only: what is connected outlives it. */
async function open(path: string, signal: AbortSignal | undefined): Promise<Socket> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ path });
  const abort = () => reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  socket.once("error", reject).once("connect", resolve);
  try {
    await promise;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    socket.off("error", reject);
    signal?.removeEventListener("abort", abort);
  }
}
