import { randomBytes } from "node:crypto";
import { chmodSync, lstatSync, renameSync, type Stats, unlinkSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname, join } from "node:path";
import { OrlopError } from "@orlop/core";
import { socketPathProblem } from "./emit-connect.ts";

/**
 * Has a server listen at a path, as a socket that only its own user may connect to. One that a killed process has left there
 * is replaced. Disposing removes it; the server is left to the caller.
 *
 * @throws OrlopError `exists` where somebody listens, or where something else is; `invalid` for a path that no socket can have
 */
export async function listenAt(server: Server, path: string): Promise<Disposable> {
  // It gets its name when nobody else may connect to it any more.
  const unnamed = join(dirname(path), `.${randomBytes(4).toString("hex")}`);
  const problem = socketPathProblem(path) ?? socketPathProblem(unnamed);
  if (problem !== undefined) throw refusal("invalid", path, problem);
  if (isThere(path)) await checkStale(path);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (cause: Error): void => reject(refusal("failed", path, cause.message, cause));
  server.once("error", fail);
  server.listen({ path: unnamed }, resolve);
  await promise;
  server.off("error", fail);
  chmodSync(unnamed, 0o600);
  const { ino } = lstatSync(unnamed);
  renameSync(unnamed, path);
  return {
    [Symbol.dispose]() {
      // Somebody may have replaced it.
      if (isThere(path)?.ino === ino) unlinkSync(path);
    },
  };
}

async function checkStale(path: string): Promise<void> {
  if (isThere(path)?.isSocket() === false) throw refusal("exists", path, "there is something else");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ path });
  socket.once("connect", () => reject(refusal("exists", path, "somebody listens there")));
  socket.once("error", (cause: NodeJS.ErrnoException) => {
    if (cause.code === "ECONNREFUSED" || cause.code === "ENOENT") resolve();
    else reject(refusal("failed", path, cause.message, cause));
  });
  try {
    await promise;
  } finally {
    socket.destroy();
  }
}

function isThere(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function refusal(code: "invalid" | "exists" | "failed", path: string, problem: string, cause?: Error): OrlopError {
  return new OrlopError(code, `Cannot listen at "${path}": ${problem}`, { cause });
}
