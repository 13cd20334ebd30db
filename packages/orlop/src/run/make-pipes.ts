import { closeSync, openSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { errnoName, errnoWords, hostArchitecture, systemFailure, Zygote } from "@orlop/kernel";
import { endHolder } from "@orlop/runtime";
import { pipeProgram } from "./pipe-program.ts";

/** Both ends, as descriptors of this process that block. Close them. */
export interface PipeEnds {
  readonly reader: number;
  readonly writer: number;
}

/**
 * Makes pipes. What Node itself makes for a child are sockets, and a program that opens /dev/stdout finds that a socket
 * cannot be opened. They have no names: nothing is left of them, however this process ends.
 *
 * @param zygote that makes them; absent: one of their own
 * @throws OrlopError
 */
export async function makePipes(count: number, zygote?: Pick<Zygote, "submit">): Promise<readonly PipeEnds[]> {
  if (zygote !== undefined) return await openPipes(zygote, count);
  const own = Zygote.start();
  return await openPipes(own, count).finally(() => own.close());
}

/** Node has no pipe(2): a program makes them, and stays until this process has opened them, too. */
async function openPipes(zygote: Pick<Zygote, "submit">, count: number): Promise<readonly PipeEnds[]> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const pipes: PipeEnds[] = [];
  zygote.submit(pipeProgram(hostArchitecture(), count), ({ kind, value }) => {
    if (kind === "created") pipes.push({ reader: value % 2 ** 32, writer: Math.floor(value / 2 ** 32) });
    if (kind === "started") resolve(value);
    if (kind === "failed" || kind === "unstarted") reject(failure(errnoWords(errnoName(value))));
    if (kind === "ended") reject(failure("the program that makes them was killed"));
  });
  const maker = await promise;
  try {
    return openEnds(maker, pipes);
  } finally {
    endHolder(maker);
  }
}

/** The same ends, by descriptions of our own. */
function openEnds(maker: number, pipes: readonly PipeEnds[]): readonly PipeEnds[] {
  const opened: number[] = [];
  const open = (fd: number, flags: "r" | "w"): number => {
    const mine = openSync(`/proc/${maker}/fd/${fd}`, flags);
    opened.push(mine);
    return mine;
  };
  try {
    return pipes.map(({ reader, writer }) => ({ reader: open(reader, "r"), writer: open(writer, "w") }));
  } catch (cause) {
    for (const fd of opened) closeSync(fd);
    throw systemFailure("make pipes", cause);
  }
}

function failure(what: string): OrlopError {
  return new OrlopError("failed", `Cannot make pipes: ${what}`);
}
