import { OrlopError } from "@orlop/core";
import {
  emitReport,
  errnoName,
  errnoWords,
  hostArchitecture,
  type Program,
  ProgramBuilder,
  reportBuffer,
  type Zygote,
} from "@orlop/kernel";

/** Node has no mknod(2). @throws OrlopError */
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
