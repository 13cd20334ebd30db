import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import {
  emitReport,
  errnoName,
  errnoWords,
  hostArchitecture,
  type Program,
  ProgramBuilder,
  reportBuffer,
  Zygote,
} from "@orlop/kernel";
import { OwnDirectory } from "./own-directory.ts";

const { O_RDWR, O_RDONLY, O_WRONLY } = constants;

/** Both ends, as descriptors of this process that block. Close them. */
export interface PipeEnds {
  readonly reader: number;
  readonly writer: number;
}

/**
 * Makes pipes. What Node itself makes for a child are sockets, and a program that opens /dev/stdout finds that a socket
 * cannot be opened.
 *
 * @param stateDirectory that nobody else may enter: for a moment the pipes have names there
 * @param zygote that makes them; absent: one of their own
 * @throws OrlopError
 */
export async function makePipes(
  stateDirectory: string,
  count: number,
  zygote?: Pick<Zygote, "submit">,
): Promise<readonly PipeEnds[]> {
  using directory = new OwnDirectory(stateDirectory, "pipes", 0o700);
  const paths = Array.from({ length: count }, (_, index) => join(directory.path, String(index)));
  if (zygote !== undefined) await makeFifos(zygote, paths);
  else {
    const own = Zygote.start();
    await makeFifos(own, paths).finally(() => own.close());
  }
  return paths.map((path) => {
    // Neither of the two that follow waits for the other while this is open.
    const both = openSync(path, O_RDWR);
    try {
      return { reader: openSync(path, O_RDONLY), writer: openSync(path, O_WRONLY) };
    } finally {
      closeSync(both);
    }
  });
}

/** Node has no mknod(2). */
export async function makeFifos(zygote: Pick<Zygote, "submit">, paths: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  zygote.submit(fifoProgram(paths), ({ kind, value }) => {
    if (kind === "failed" || kind === "unstarted") reject(failure(errnoWords(errnoName(value))));
    if (kind === "started") resolve();
    if (kind === "ended") reject(failure("the program that makes them was killed"));
  });
  await promise;
}

function fifoProgram(paths: readonly string[]): Program {
  const p = new ProgramBuilder(hostArchitecture());
  const report = reportBuffer(p);
  const failed = p.label("failed");
  p.role("pipe maker");
  p.step({ action: "make pipes", why: "between the container and the caller's terminal" });
  p.handler(failed);
  for (const path of paths) {
    p.call("mknodat", [p.flags("AT_FDCWD"), p.text(path), p.number(0o10600, "S_IFIFO|0600"), 0]);
  }
  emitReport(p, report, "started");
  p.call("exit_group", [0]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [1]);
  return p.build();
}

function failure(what: string): OrlopError {
  return new OrlopError("failed", `Cannot make pipes: ${what}`);
}
