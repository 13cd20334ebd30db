import { type ErrorCode, OrlopError } from "@orlop/core";
import type { HttpResponse } from "./http/http-exchange.ts";
import { RetryableFailure } from "./http/retryable-failure.ts";
import { ERROR_BODY_MAX_BYTES } from "./limits.ts";
import { readBody } from "./read-body.ts";

const SHOWN_LENGTH_MAX = 300;

/** Status codes that say more than "failed". */
const CODES: Readonly<Record<number, ErrorCode>> = {
  401: "denied",
  403: "denied",
  404: "not-found",
  405: "unsupported",
  409: "conflict",
  413: "exhausted",
  416: "invalid",
  429: "exhausted",
  501: "unsupported",
  507: "exhausted",
};

/** Timeouts, too many requests and what the server thinks is its own fault. */
const RETRYABLE: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * The error of an answer that is not the one hoped for: its status, and what the body says (distribution-spec, "Error
 * Codes"). Reads the body, or destroys it.
 */
export async function answerError(
  doing: string,
  host: string,
  response: HttpResponse,
  stallMaxMs: number,
): Promise<OrlopError | RetryableFailure> {
  const { status } = response;
  const text = await readBody(response, { doing, maxBytes: ERROR_BODY_MAX_BYTES, stallMaxMs }).catch(() =>
    Buffer.alloc(0),
  );
  const said = errorText(text);
  const message = `Cannot ${doing}: ${host} answered ${status}${said === "" ? "" : `: ${said}`}`;
  const error = new OrlopError(CODES[status] ?? "failed", message, { operation: "talk to a registry" });
  if (!RETRYABLE.has(status)) return error;
  return new RetryableFailure(error, { afterMs: retryAfterMs(response.headers["retry-after"], Date.now()) });
}

/** What the body of an error says, in one line that can be printed. */
export function errorText(body: Buffer): string {
  const text = body.toString("utf8");
  let said = text;
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    if (Array.isArray(errors)) said = errors.map(oneError).filter(Boolean).join("; ");
  } catch {
    // A page of a proxy's.
    if (/^\s*</.test(text)) said = /<title>([^<]*)<\/title>/i.exec(text)?.[1] ?? "";
  }
  return printable(said);
}

function oneError(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const { code, message } = error as { code?: unknown; message?: unknown };
  return [code, message].filter((part) => typeof part === "string" && part !== "").join(": ");
}

/** Text from outside as a message may quote it: one line, no control characters, not long. */
export function printable(text: string): string {
  const line = text
    .trim()
    .slice(0, SHOWN_LENGTH_MAX + 1)
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`);
  return line.length <= SHOWN_LENGTH_MAX ? line : `${line.slice(0, SHOWN_LENGTH_MAX)}...`;
}

/** Seconds, or a date (RFC 9110, section 10.2.3). */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = /^[A-Z][a-z]{2},? /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
