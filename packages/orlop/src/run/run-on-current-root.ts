import { type CreateRequest, OrlopError } from "@orlop/core";

/** How often a root file system is looked at for one container; one that changes faster than that cannot be shown. */
export const LOOKS_MAX = 5;

interface Requests {
  readonly request: CreateRequest;
  /** Absent where nobody changes the root file system meanwhile. */
  requestAgain?(): CreateRequest;
}

/**
 * Runs the container; when its root file system has changed between the look at it and the making, looks again.
 *
 * The machine's own files do that: what has been listed is removed, and in a user namespace overlay takes no directory
 * that something has been mounted below since.
 *
 * @param run leaves nothing on failure
 */
export async function runOnCurrentRoot<T>(
  { request, requestAgain }: Requests,
  run: (request: CreateRequest) => Promise<T>,
): Promise<T> {
  let current = request;
  for (let looks = 1; ; looks++) {
    try {
      return await run(current);
    } catch (error) {
      if (requestAgain === undefined || looks >= LOOKS_MAX || !isOfChangedRoot(error)) throw error;
      current = requestAgain();
    }
  }
}

/** What the kernel says of a directory or file that is not there any more, is another kind of file, or has mounts below. */
const ERRNOS: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "EINVAL", "ESTALE"]);

/** Operations that take directories and files of the host into a root file system. */
const TAKES_FROM_HOST = /^(overlay|bind) "/;

function isOfChangedRoot(error: unknown): boolean {
  if (!(error instanceof OrlopError)) return false;
  return ERRNOS.has(error.errno ?? "") && TAKES_FROM_HOST.test(error.operation ?? "");
}
