import { type ContainerProcessState, RUNTIME_SPEC_VERSION, SECCOMP_FD_NAME, type State } from "@orlop/core";
import { PID_DIGITS_MAX } from "@orlop/kernel";

/** JSON in which a pid has still to be written. */
interface ProcessStateText {
  readonly text: Buffer;
  /** Where it belongs: PID_DIGITS_MAX blanks each time. */
  readonly pidOffsets: readonly number[];
}

/** No string of a config holds a NUL. */
const PID = "\0pid";

/**
 * What a seccomp listener gets beside the descriptor (config-linux.md, "The Container Process State"). The pid of the
 * process is known only once it runs; a `state` without a pid is that of the same process.
 */
export function processStateText(
  state: State,
  metadata: string,
  version: string = RUNTIME_SPEC_VERSION,
): ProcessStateText {
  const message: Record<keyof ContainerProcessState, unknown> = {
    ociVersion: version,
    fds: [SECCOMP_FD_NAME],
    pid: PID,
    metadata,
    state: { ...state, pid: state.pid ?? PID },
  };
  const parts = JSON.stringify(message).split(JSON.stringify(PID));
  const blanks = " ".repeat(PID_DIGITS_MAX);
  const pidOffsets = parts.slice(1).map((_, index) => Buffer.byteLength(parts.slice(0, index + 1).join(blanks)));
  return { text: Buffer.from(parts.join(blanks)), pidOffsets };
}
