import { statSync } from "node:fs";
import { caller } from "../caller/caller.ts";

/**
 * Whether a program of a container's is not to have this descriptor of the caller's itself, but a pipe from which a process
 * of ours passes on what it writes.
 *
 * Whoever has a terminal open can read what is typed there. And systemd's journal files a line by the cgroup of who wrote it:
 * a container has one of its own, and what it writes would be missing from the log of the service that has started it.
 */
export function needsRelay(descriptor: 1 | 2): boolean {
  return caller().isTerminal(descriptor) || isJournal(descriptor);
}

/** systemd.exec(5), `$JOURNAL_STREAM`: the device and inode that a service has been started with; what it starts may have others. */
function isJournal(descriptor: 1 | 2): boolean {
  const { env, pid } = caller();
  const { JOURNAL_STREAM } = env;
  if (JOURNAL_STREAM === undefined) return false;
  const opened = statSync(`/proc/${pid}/fd/${descriptor}`, { throwIfNoEntry: false });
  return opened !== undefined && JOURNAL_STREAM === `${opened.dev}:${opened.ino}`;
}
