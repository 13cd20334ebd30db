/** The head of an answer in HTTP/1.1 (RFC 9112). */
export interface MessageHead {
  readonly status: number;
  /** By names in lower case; what stood several times is joined by commas. */
  readonly headers: Headers;
  /** The connection can be used again once the body is at its end. */
  readonly keepsAlive: boolean;
}

export type Headers = Readonly<Record<string, string | undefined>>;

/** Registries send a kilobyte; tokens in redirects several. */
export const HEAD_MAX_BYTES = 65_536;
const HEADERS_MAX = 200;

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what may not stand in a value (RFC 9110, section 5.5).
const FORBIDDEN = /[\0-\x08\n-\x1f\x7f]/;

/** What is wrong with what a server sent. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/**
 * Reads a head without its empty line.
 *
 * @throws ProtocolError
 */
export function parseHead(bytes: Buffer): MessageHead {
  const [statusLine = "", ...lines] = bytes.toString("latin1").split("\r\n");
  const match = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(statusLine);
  if (match === null) throw new ProtocolError("does not speak HTTP/1.1");
  if (lines.length > HEADERS_MAX) throw new ProtocolError(`sends more than ${HEADERS_MAX} headers`);
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    // A line that begins with a space would go on with the one before: nobody may send that any more (section 5.2).
    if (!NAME.test(name) || FORBIDDEN.test(line)) throw new ProtocolError("sends headers that are none");
    const value = line.slice(colon + 1).trim();
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  const connection = (headers.connection ?? "").toLowerCase().split(/\s*,\s*/);
  const keepsAlive = match[1] === "1" ? !connection.includes("close") : connection.includes("keep-alive");
  return { status: Number(match[2]), headers, keepsAlive };
}

/** How the end of a body is found (RFC 9112, section 6.3): after so many bytes, by chunks, or when the connection ends. */
export type Framing = number | "chunked" | "until-close";

/** @throws ProtocolError where two readers would find two ends */
export function framingOf(method: string, { status, headers }: MessageHead): Framing {
  if (method === "HEAD" || status === 204 || status === 304) return 0;
  const coding = headers["transfer-encoding"];
  const length = headers["content-length"];
  if (coding !== undefined) {
    if (length !== undefined) throw new ProtocolError("gives its body two lengths");
    if (coding.toLowerCase() !== "chunked") throw new ProtocolError("sends a transfer encoding that was not asked for");
    return "chunked";
  }
  if (length === undefined) return "until-close";
  if (!/^\d{1,15}$/.test(length)) throw new ProtocolError("sends a content length that is no number");
  return Number(length);
}
