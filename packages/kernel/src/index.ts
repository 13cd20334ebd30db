export { type Architecture, hostArchitecture } from "./abi/architecture.ts";
export { CAPABILITIES, capabilityNumber, capabilityWords } from "./abi/capabilities.ts";
export { errnoName, errnoNumber, errnoWords } from "./abi/errno.ts";
export {
  CAP_DATA,
  CAP_HEADER,
  CLONE_ARGS,
  CMSG_ONE_FD,
  IFREQ_FLAGS,
  IOVEC,
  MSGHDR,
  OPEN_HOW,
  POLLFD,
  RLIMIT64,
  RUSAGE_BYTES,
  SCHED_ATTR,
  SIGACTION,
  SIGINFO_BYTES,
  SIGINFO_CODE_OFFSET,
  SIGINFO_STATUS_OFFSET,
  SOCK_FPROG,
  STATX_BYTES,
  STATX_MODE_OFFSET,
  STATX_RDEV_OFFSET,
  TIMESPEC,
  WINSIZE,
} from "./abi/structs.ts";
export { CONTROL_FD } from "./machine/memory-layout.ts";
export {
  emitAttach,
  emitCloneMount,
  emitMountAttributes,
  emitNewFileSystem,
  type NewFileSystem,
} from "./mount/emit-mount.ts";
export { MOUNT_OPTION_NAMES, type MountOptions, parseMountOptions } from "./mount/mount-options.ts";
export {
  components,
  emitDirectoryInRoot,
  emitExpectFileSystem,
  emitFileInRoot,
  emitOpenInRoot,
  octal,
  openHow,
} from "./mount/safe-path.ts";
export { ProgramBuilder } from "./program/builder.ts";
export { Label, Pointer, Slot, type Step } from "./program/instruction.ts";
export { encodeProgram, type Program } from "./program/program.ts";
export { verifyProgram } from "./program/verify.ts";
export { emitReport, reportBuffer } from "./zygote/emit-report.ts";
export { decodeReport, REPORT, type Report, reportKind } from "./zygote/report.ts";
export { Zygote } from "./zygote/zygote.ts";
