import { OrlopError } from "@orlop/core";
import {
  emitReport,
  errnoName,
  errnoWords,
  hostArchitecture,
  ProgramBuilder,
  reportBuffer,
  SourceMap,
  Zygote,
} from "@orlop/kernel";

/**
 * Executes a program of system calls in a process of its own, to its end.
 *
 * @throws OrlopError with the step that failed; what was done before it stays
 */
export async function runProgram(role: string, emit: (p: ProgramBuilder) => void): Promise<void> {
  const p = new ProgramBuilder(hostArchitecture());
  const failed = p.label("failed");
  const report = reportBuffer(p);
  p.role(role);
  p.step({ action: role });
  p.handler(failed);
  emit(p);
  emitReport(p, report, "started");
  p.call("exit_group", [0]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [1]);
  const program = p.build();
  const source = new SourceMap(program);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const zygote = Zygote.start({ stdio: "ignore" });
  try {
    zygote.submit(program, ({ kind, index, value }) => {
      if (kind === "started") resolve();
      if (kind === "failed") reject(stepFailure(source.step(index)?.action ?? role, value));
      if (kind === "unstarted") reject(stepFailure(role, value));
      if (kind === "ended" || kind === "refused") reject(new OrlopError("failed", `Cannot ${role}: it was cut off`));
    });
    await promise;
  } finally {
    zygote.close();
  }
}

function stepFailure(action: string, errno: number): OrlopError {
  const name = errnoName(errno);
  const code = name === "EPERM" || name === "EACCES" ? "denied" : name === "ENOSPC" ? "exhausted" : "failed";
  return new OrlopError(code, `Cannot ${action}: ${errnoWords(name)}`, { operation: action, errno: name });
}
