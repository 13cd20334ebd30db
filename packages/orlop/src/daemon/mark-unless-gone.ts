import { processMark } from "@orlop/kernel";

/** What names another process for as long as it lives; undefined where it has ended already, as one that was killed has. */
export function markUnlessGone(pid: number): string | undefined {
  try {
    return processMark(pid);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
