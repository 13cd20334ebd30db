import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { OrlopError } from "@orlop/core";
import { errorCodeOf, RPC_CODE, rpcCodeOf } from "@orlop/core/rpc";

/** Headers have limits of their own, in many a peer. */
const MESSAGE_MAX_LENGTH = 2048;

/** Trailers that say how a call has ended; undefined: well. */
export function statusTrailers(error: unknown): OutgoingHttpHeaders {
  if (error === undefined) return { "grpc-status": `${RPC_CODE.ok}` };
  const code = error instanceof OrlopError ? rpcCodeOf(error.code) : RPC_CODE.internal;
  const message = error instanceof Error ? error.message : String(error);
  return { "grpc-status": `${code}`, "grpc-message": encodeMessage(message.slice(0, MESSAGE_MAX_LENGTH)) };
}

/**
 * What trailers say went wrong; undefined: nothing did.
 *
 * @param what was done, as a verb has it: the error's operation, since a call that was refused is no mistake of the user's
 */
export function statusError(trailers: IncomingHttpHeaders, what: string): OrlopError | undefined {
  const { "grpc-status": status, "grpc-message": message } = trailers;
  if (typeof status !== "string" || !/^\d+$/.test(status)) {
    return new OrlopError("failed", `Cannot ${what}: the answer has ended without a status`);
  }
  const code = Number(status);
  if (code === RPC_CODE.ok) return undefined;
  const text = typeof message === "string" ? decodeMessage(message) : "";
  const said = text === "" ? `Cannot ${what}: it has failed with status ${code}` : text;
  return new OrlopError(errorCodeOf(code), said, { operation: what });
}

/** PROTOCOL-HTTP2.md of gRPC, "Status-Message": as in addresses, but for what is printable. */
function encodeMessage(text: string): string {
  return Array.from(Buffer.from(text), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}

function decodeMessage(text: string): string {
  const bytes = text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
