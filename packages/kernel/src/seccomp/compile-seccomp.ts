import { type LinuxSeccomp, type LinuxSeccompArch, OrlopError } from "@orlop/core";
import { type SeccompArchitecture, seccompArchitecture } from "../abi/syscall-numbers/seccomp-architecture.ts";
import { decideArchitectures } from "./architecture-decision.ts";
import { assembleBpf } from "./assemble-bpf.ts";
import { encodeBpf } from "./bpf-instruction.ts";
import { parseProfileRules, SECCOMP_FIELD } from "./profile-rules.ts";
import { isPermissive, seccompReturn } from "./seccomp-action.ts";
import { seccompFlags } from "./seccomp-flags.ts";
import { verifySeccompBpf } from "./verify-seccomp-bpf.ts";

/** Who gets the descriptor that seccomp(2) returns for a filter that notifies. */
interface SeccompListener {
  /** A unix stream socket on the host. */
  readonly path: string;
  /** Opaque text of the config for whoever listens there; empty when it gives none. */
  readonly metadata: string;
  /** Version of the specification that it is told its state complies with; absent: ours. */
  readonly stateVersion?: string;
}

/** What seccomp(2) with `SECCOMP_SET_MODE_FILTER` is called with. */
export interface SeccompProgram {
  /** `struct sock_filter[]`, in the native byte order. It has passed the kernel's own checks. */
  readonly filter: Uint8Array<ArrayBuffer>;
  /** `sock_fprog.len`: instructions, at most BPF_MAXINSNS. */
  readonly instructionCount: number;
  /** `SECCOMP_FILTER_FLAG_*`. */
  readonly flags: number;
  /** Present if and only if `flags` have `SECCOMP_FILTER_FLAG_NEW_LISTENER`. */
  readonly listener: SeccompListener | undefined;
  /** Names of the config that no architecture has. They are no error: profiles are shared between kernels. */
  readonly ignoredNames: readonly string[];
}

export interface CompileSeccompOptions {
  /** The machine that will load the program. Its calls are always part of the filter. */
  readonly nativeArch: LinuxSeccompArch;
  /** A listener gets its descriptor also where no rule has `SCMP_ACT_NOTIFY`, and then never hears of anything. */
  readonly listensAlways?: boolean;
}

/** The native architecture and those that the config lists, each once. */
function chosenArchitectures(
  { architectures = [] }: LinuxSeccomp,
  nativeArch: LinuxSeccompArch,
): readonly SeccompArchitecture[] {
  const native = seccompArchitecture(nativeArch);
  if (native === undefined) {
    throw new OrlopError("unsupported", `Cannot compile seccomp for machine "${nativeArch}": it has no table`);
  }
  const chosen = new Set([native]);
  for (const [index, name] of architectures.entries()) {
    const field = `${SECCOMP_FIELD}.architectures[${index}]`;
    const found = seccompArchitecture(name);
    if (found === undefined) {
      const what = "the OCI spec has no such architecture";
      throw new OrlopError("invalid", `Cannot compile seccomp architecture "${name}": ${what}`, { field });
    }
    if (found.littleEndian !== native.littleEndian) {
      const what = `its byte order is not that of ${native.name}`;
      throw new OrlopError("invalid", `Cannot compile seccomp architecture "${name}": ${what}`, { field });
    }
    chosen.add(found);
  }
  return [...chosen];
}

function chosenListener(seccomp: LinuxSeccomp, listensAlways: boolean): SeccompListener | undefined {
  const { defaultAction, listenerPath = "", listenerMetadata, syscalls = [] } = seccomp;
  const failure = (code: "invalid" | "unsupported", member: string, what: string): OrlopError =>
    new OrlopError(code, `Cannot compile seccomp ${member}: ${what}`, { field: `${SECCOMP_FIELD}.${member}` });
  if (listenerPath === "" && (listenerMetadata ?? "") !== "") {
    throw failure("invalid", "listenerMetadata", "it needs listenerPath, which is missing");
  }
  if (defaultAction === "SCMP_ACT_NOTIFY") {
    // As with write in profile-rules.ts: nothing could be done between loading the filter and being listened to.
    throw failure(
      "unsupported",
      "defaultAction",
      "SCMP_ACT_NOTIFY cannot be used as default action, it would stop the process that loads the filter",
    );
  }
  const notifies = syscalls.some(({ action }) => action === "SCMP_ACT_NOTIFY");
  if (!notifies && !(listensAlways && listenerPath !== "")) return undefined;
  if (listenerPath === "") throw failure("invalid", "listenerPath", "it is missing, and a rule has SCMP_ACT_NOTIFY");
  return { path: listenerPath, metadata: listenerMetadata ?? "" };
}

/**
 * Compiles `linux.seccomp` of an OCI config (config-linux.md, "Seccomp") to classic BPF.
 *
 * The program decides as one by libseccomp 2.6 that runc loads:
 *
 * - A call of an architecture that is neither native nor listed kills the thread.
 * - Names that an architecture does not have are skipped there.
 * - A call that is newer than everything the config names gets ENOSYS, unless the default action lets calls through.
 *   Under runc a profile that names one of ARM's or x32's own calls loses this; number-ranges.ts keeps it.
 * - Where several rules match, `CallRules` says which one wins.
 *
 * @throws OrlopError `invalid` for a config that means nothing, `unsupported` for what cannot be loaded,
 * `exhausted` when the filter would be longer than the kernel takes
 */
export function compileSeccomp(
  seccomp: LinuxSeccomp,
  { nativeArch, listensAlways = false }: CompileSeccompOptions,
): SeccompProgram {
  const architectures = chosenArchitectures(seccomp, nativeArch);
  const defaultField = `${SECCOMP_FIELD}.defaultAction`;
  const defaultVerdict = seccompReturn(seccomp.defaultAction, seccomp.defaultErrnoRet, defaultField);
  const listener = chosenListener(seccomp, listensAlways);
  const rules = parseProfileRules(seccomp, defaultVerdict);
  const decision = decideArchitectures(architectures, rules, {
    defaultVerdict,
    answersNewCalls: !isPermissive(seccomp.defaultAction),
  });
  const instructions = assembleBpf(decision);
  verifySeccompBpf(instructions);
  return {
    filter: encodeBpf(instructions, architectures[0]?.littleEndian ?? true),
    instructionCount: instructions.length,
    flags: seccompFlags(seccomp.flags, listener !== undefined),
    listener,
    ignoredNames: rules.ignoredNames,
  };
}
