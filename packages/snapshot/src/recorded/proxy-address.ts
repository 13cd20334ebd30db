import { OrlopError } from "@orlop/core";

const PREFIX = "proxy:";

/** Whether a snapshotter is somebody else's, by its name or by what a user calls it. */
export function isProxy(text: string): boolean {
  return text.startsWith(PREFIX);
}

/**
 * The name that a snapshotter behind a socket has here: of `proxy:unix:///run/x.sock` and of that name itself. It has no
 * slashes, which end the name of a snapshotter in a label.
 *
 * @throws OrlopError `invalid`
 */
export function proxyName(text: string): string {
  return `${PREFIX}${encodeURIComponent(proxySocket(text))}`;
}

/**
 * The path of its socket.
 *
 * @throws OrlopError `invalid`
 */
export function proxySocket(text: string): string {
  const path = decoded(text.slice(PREFIX.length)).replace(/^unix:\/\//, "");
  if (isProxy(text) && path.startsWith("/")) return path;
  throw new OrlopError("invalid", `Cannot use snapshotter "${text}": it is no proxy:unix:// with an absolute path`);
}

function decoded(text: string): string {
  // What a user calls it has slashes, and is as it is.
  if (text.includes("/")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
