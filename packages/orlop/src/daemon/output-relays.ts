import { chmodSync, closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { hostArchitecture } from "@orlop/kernel";
import { makeFifos } from "../run/make-fifos.ts";
import { OwnDirectory } from "../run/own-directory.ts";
import type { CallHands } from "./call-hands.ts";
import { compileOutputRelay } from "./output-relay-program.ts";

/** Relays between a container and what its caller writes to, by their descriptors there. */
export interface OpenRelays {
  readonly relays: ReadonlyMap<1 | 2, { readonly fifo: string; readonly ended: Promise<void> }>;
  /** Keeps them from ending before the container is there. */
  readonly held: DisposableStack;
}

/** Has the launcher pass on what comes through FIFOs; resolves when that can be written to. */
export async function openOutputRelays(
  hands: CallHands,
  stateDirectory: string,
  relayed: readonly (1 | 2)[],
  stack: DisposableStack,
): Promise<OpenRelays> {
  using held = new DisposableStack();
  const relays = new Map<1 | 2, { readonly fifo: string; readonly ended: Promise<void> }>();
  if (relayed.length === 0) return { relays, held: held.move() };
  const directory = stack.use(new OwnDirectory(stateDirectory, "pipes", 0o700));
  const fifos = relayed.map((fd) => join(directory.path, String(fd)));
  await makeFifos(hands, fifos);
  for (const [index, fifo] of fifos.entries()) {
    // A program of any user in the container may open its /dev/stdout, and nobody else can come here.
    chmodSync(fifo, 0o666);
    const fd = relayed[index] ?? 1;
    relays.set(fd, { fifo, ...(await startRelay(hands, fifo, fd)) });
    const holder = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    held.defer(() => closeSync(holder));
  }
  return { relays, held: held.move() };
}

/** Resolves when it runs, with what resolves when all is out. */
async function startRelay(hands: CallHands, fifo: string, fd: 1 | 2): Promise<{ readonly ended: Promise<void> }> {
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  hands.submit(compileOutputRelay(hostArchitecture(), fifo, fd), ({ kind }) => {
    if (kind === "started") started.resolve();
    if (kind !== "ended" && kind !== "unstarted") return;
    started.reject(new OrlopError("failed", "Cannot relay output: the program for it has ended"));
    ended.resolve();
  });
  await started.promise;
  return { ended: ended.promise };
}
