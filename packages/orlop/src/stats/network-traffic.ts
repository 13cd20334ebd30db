import { readFileSync } from "node:fs";

/** What has gone over the interfaces of a network namespace, without its loopback. */
export interface NetworkTraffic {
  readonly receivedBytes: bigint;
  readonly sentBytes: bigint;
}

/** Of the namespace that a process is in; undefined when it has ended. */
export function networkTraffic(pid: number): NetworkTraffic | undefined {
  try {
    return parseTraffic(readFileSync(`/proc/${pid}/net/dev`, "utf8"));
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EINVAL", "EACCES"].includes(code)) return undefined;
    throw error;
  }
}

/** proc_net_dev: two lines of headings, then an interface a line, with eight counters for each direction. */
export function parseTraffic(text: string): NetworkTraffic {
  let [receivedBytes, sentBytes] = [0n, 0n];
  for (const line of text.split("\n").slice(2)) {
    const [, name = "", counters = ""] = /^\s*(.+?):\s*(.*)$/.exec(line) ?? [];
    if (name === "" || name === "lo") continue;
    const fields = counters.split(/\s+/);
    receivedBytes += BigInt(fields[0] ?? 0);
    sentBytes += BigInt(fields[8] ?? 0);
  }
  return { receivedBytes, sentBytes };
}
