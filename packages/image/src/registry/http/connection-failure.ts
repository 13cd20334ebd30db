import { type ErrorCode, OrlopError } from "@orlop/core";
import { ProtocolError } from "./message-head.ts";
import { ProxyError } from "./proxy-error.ts";
import { RetryableFailure } from "./retryable-failure.ts";
import { StallError } from "./stall-timer.ts";

/** What Node's codes mean, behind the name of a host. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refuses the connection",
  ECONNRESET: "closed the connection",
  EPIPE: "closed the connection",
  ENOTFOUND: "is not known to the name service",
  EAI_AGAIN: "cannot be looked up: the name service does not answer",
  ETIMEDOUT: "does not answer",
  EHOSTUNREACH: "cannot be reached",
  ENETUNREACH: "cannot be reached",
  ERR_HTTP2_STREAM_ERROR: "closed the stream",
  ERR_HTTP2_STREAM_CANCEL: "closed the stream",
  ERR_HTTP2_SESSION_ERROR: "closed the connection",
  ERR_HTTP2_GOAWAY_SESSION: "closed the connection",
  ERR_STREAM_PREMATURE_CLOSE: "closed the connection",
};

/** Trying again would not help. */
const LASTING = /^(ENOTFOUND|ERR_TLS_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_SSL_|ERR_OSSL_)/;
const CERTIFICATE = /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;

/** An error of the connection, and whether it had been idle. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly wasIdle: boolean;

  constructor(cause: unknown, wasIdle: boolean) {
    super("the connection failed", { cause });
    this.wasIdle = wasIdle;
  }
}

/**
 * An error of Node's own as one of ours; one that is ours already stays as it is.
 *
 * @param doing a verb phrase: `read manifest "latest"`
 */
export function connectionFailure(doing: string, host: string, error: unknown): OrlopError | RetryableFailure {
  if (error instanceof OrlopError || error instanceof RetryableFailure) return error;
  if (error instanceof StallError) return new RetryableFailure(failed("cancelled", doing, host, error.message, error));
  const outer = error instanceof ConnectionError ? error.cause : error;
  if (outer instanceof ProxyError && outer.status !== undefined)
    return refusedByProxy(doing, host, outer.status, outer);
  const inner = outer instanceof ProxyError ? outer.cause : outer;
  const who = outer instanceof ProxyError ? `${host} is behind the proxy ${outer.proxy}, which` : host;
  if (inner instanceof ProtocolError) return failed("failed", doing, who, inner.message, error);
  const wasIdle = error instanceof ConnectionError && error.wasIdle;
  const { code, message } = firstOf(inner);
  const problem = `${(code === undefined ? undefined : MEANINGS[code]) ?? problemOf(code, message)}${hint(code)}`;
  const ours = failed("failed", doing, who, problem, error, code);
  return code !== undefined && LASTING.test(code) ? ours : new RetryableFailure(ours, { wasIdle });
}

/** A proxy that is overloaded, or does not reach the host, may do so the next time. */
function refusedByProxy(doing: string, host: string, status: number, error: ProxyError): OrlopError | RetryableFailure {
  const way = status === 407 ? "\nTry a user and a password in its address: http://USER:PASSWORD@HOST:PORT." : "";
  const problem = `is behind the proxy ${error.proxy}, which answered ${status}${way}`;
  const ours = failed("failed", doing, host, problem, error);
  return status < 500 ? ours : new RetryableFailure(ours);
}

/** The caller's signal ended it. */
export function cancelled(doing: string, reason: unknown): OrlopError {
  return new OrlopError("cancelled", `Cannot ${doing}: it was cancelled`, { cause: reason });
}

function failed(
  kind: ErrorCode,
  doing: string,
  host: string,
  problem: string,
  cause: unknown,
  code?: string,
): OrlopError {
  return new OrlopError(kind, `Cannot ${doing}: ${host} ${problem}`, {
    operation: "talk to a registry",
    ...(code !== undefined && /^E[A-Z]+$/.test(code) ? { errno: code } : {}),
    cause,
  });
}

/** Of several addresses of one host, Node reports all that failed. */
function firstOf(error: unknown): { readonly code: string | undefined; readonly message: string } {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = (first as NodeJS.ErrnoException | undefined)?.code;
  return { code: typeof code === "string" ? code : undefined, message: first instanceof Error ? first.message : "" };
}

function problemOf(code: string | undefined, message: string): string {
  if (code !== undefined && CERTIFICATE.test(code)) return `has a certificate that is not trusted (${code})`;
  if (code?.startsWith("ERR_SSL_") === true) return `does not speak TLS as we do (${code})`;
  return `cannot be spoken to: ${message}`;
}

function hint(code: string | undefined): string {
  if (code === undefined || !CERTIFICATE.test(code)) return "";
  return "\nTry putting the certificate of its authority into /etc/containers/certs.d/HOST/ca.crt.";
}
