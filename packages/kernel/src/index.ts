export { type Architecture, hostArchitecture } from "./abi/architecture.ts";
export { CAPABILITIES, capabilityNumber, capabilityWords } from "./abi/capabilities.ts";
export type { ConstantName } from "./abi/constants.ts";
export { errnoName, errnoNumber, errnoWords } from "./abi/errno.ts";
export { loopback4, loopback6 } from "./abi/loopback-address.ts";
export {
  BTRFS_INO_LOOKUP,
  BTRFS_QGROUP_ASSIGN,
  BTRFS_QGROUP_CREATE,
  BTRFS_QGROUP_LIMIT,
  BTRFS_QGROUP_STATUS,
  BTRFS_SEARCH,
  BTRFS_SEARCH_HEADER,
  BTRFS_SUBVOL_ROOTREFS,
  BTRFS_VOL_ARGS_V2,
  CAP_DATA,
  CAP_HEADER,
  CLONE_ARGS,
  CMSG_ONE_FD,
  DM_IOCTL,
  DM_TARGET_SPEC,
  FLOCK,
  FS_DISK_QUOTA,
  FS_QUOTA_STATV,
  FSTRIM_RANGE,
  FSXATTR,
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
  SIGINFO_PID_OFFSET,
  SIGINFO_STATUS_OFFSET,
  SOCK_FPROG,
  STATX_BYTES,
  STATX_GID_OFFSET,
  STATX_INO_OFFSET,
  STATX_MNT_ID_OFFSET,
  STATX_MODE_OFFSET,
  STATX_NLINK_OFFSET,
  STATX_RDEV_OFFSET,
  STATX_UID_OFFSET,
  TIMESPEC,
  WINSIZE,
} from "./abi/structs.ts";
export { nativeSeccompArch } from "./abi/syscall-numbers/seccomp-architecture.ts";
export { asSystemFailure, systemFailure } from "./abi/system-failure.ts";
export {
  BPF_CGROUP_DEVICE,
  BPF_CGROUP_PROGRAM_MAX,
  BPF_COMMAND,
  BPF_F_ALLOW_MULTI,
  BPF_F_REPLACE,
  BPF_LICENSE,
  BPF_LOAD_RETRY_MAX,
  BPF_PROG_TYPE_CGROUP_DEVICE,
  bpfProgAttachAttr,
  bpfProgGetFdByIdAttr,
  bpfProgLoadAttr,
  bpfProgQueryAttr,
} from "./bpf/bpf-attributes.ts";
export { disassembleBpf } from "./bpf/bpf-disassemble.ts";
export { applyResources } from "./cgroup/apply-resources.ts";
export { cgroupFailure, cgroupJoinFailure } from "./cgroup/cgroup-failure.ts";
export { type CgroupHierarchy, type CgroupLayout, hierarchyOf } from "./cgroup/cgroup-layout.ts";
export { type CgroupDriver, type CgroupLocation, parseCgroupsPath } from "./cgroup/cgroup-path.ts";
export {
  type CgroupDirectory,
  type CgroupJoin,
  type CgroupOperation,
  type CgroupPlan,
  unifiedDirectory,
} from "./cgroup/cgroup-plan.ts";
export type { CgroupStats } from "./cgroup/cgroup-stats.ts";
export { cgroupsOfProcess } from "./cgroup/cgroups-of-process.ts";
export { DEFAULT_DEVICE_RULES } from "./cgroup/default-device-rules.ts";
export { readCgroupLayout } from "./cgroup/detect-cgroups.ts";
export { unknownAccess } from "./cgroup/device-rule.ts";
export { executeCgroupOperations } from "./cgroup/execute-operations.ts";
export {
  type FreezerState,
  freezeCgroup,
  freezerDirectory,
  readFreezerState,
  takeBackFrozen,
  thawCgroup,
} from "./cgroup/freeze-cgroup.ts";
export { killCgroup } from "./cgroup/kill-cgroup.ts";
export { listProcesses } from "./cgroup/list-processes.ts";
export { planCgroup } from "./cgroup/plan-cgroup.ts";
export { type CgroupOwner, readDelegateFiles } from "./cgroup/plan-ownership.ts";
export { planUpdate } from "./cgroup/plan-update.ts";
export { readCgroupFile } from "./cgroup/read-cgroup-file.ts";
export { readOomEvents } from "./cgroup/read-oom-events.ts";
export { readCgroupStats } from "./cgroup/read-stats.ts";
export { removeCgroups } from "./cgroup/remove-cgroup.ts";
export { RESOURCE_CONVERSIONS, type ResourceField } from "./cgroup/resources/resource-conversions.ts";
export { planSystemdUnit, type SystemdUnit } from "./cgroup/systemd/plan-systemd-unit.ts";
export { isSystemdRunning, SystemdConnection, systemdAddresses } from "./cgroup/systemd/systemd-connection.ts";
export { systemdProperty } from "./cgroup/systemd/systemd-property.ts";
export { unitResources } from "./cgroup/systemd/unit-resources.ts";
export { updateSystemdUnit } from "./cgroup/systemd/update-systemd-unit.ts";
export { findProgram } from "./find-program.ts";
export { isProcessThere } from "./is-process-there.ts";
export { cacheDirectory, ownsMachine } from "./machine/cache-directory.ts";
export { emitMachineWith } from "./machine/machine.ts";
export { CONTROL_FD } from "./machine/memory-layout.ts";
export { type DiskMount, emitDiskMount } from "./mount/emit-disk-mount.ts";
export { emitLoopDevice, type LoopDevice } from "./mount/emit-loop-device.ts";
export {
  type AttributeSetting,
  emitAttach,
  emitAttachWith,
  emitCloneMount,
  emitFollowLinks,
  emitLegacyAttributes,
  emitMountAttributes,
  emitNewFileSystem,
  emitReconfigure,
  type NewFileSystem,
} from "./mount/emit-mount.ts";
export { MOUNT_OPTION_NAMES, type MountOptions, parseMountOptions } from "./mount/mount-options.ts";
export {
  components,
  emitDirectoryInRoot,
  emitExpectFileSystem,
  emitFileInRoot,
  emitMountPointInRoot,
  emitOpenInRoot,
  octal,
  openHow,
} from "./mount/safe-path.ts";
export { namesIn } from "./names-in.ts";
export { isMarkAlive, ownProcessMark, processMark } from "./process-mark.ts";
export { ProgramBuilder, type Value } from "./program/builder.ts";
export { emitDecimal, PID_DIGITS_MAX } from "./program/emit-decimal.ts";
export { type ExplainedProgram, explainJson } from "./program/explain/explain-json.ts";
export { type ExplainOptions, explainProgram } from "./program/explain/explain-program.ts";
export { Label, Pointer, Slot, type Step } from "./program/instruction.ts";
export { encodeProgram, type Program } from "./program/program.ts";
export { ProgramTemplate, type TemplateValues } from "./program/program-template.ts";
export { TextReplacer } from "./program/replace-texts.ts";
export { SourceMap } from "./program/source-map.ts";
export { type StructLayout, structLayout } from "./program/struct-layout.ts";
export { verifyProgram } from "./program/verify.ts";
export { randomBytes } from "./random-bytes.ts";
export { type CompileSeccompOptions, compileSeccomp, type SeccompProgram } from "./seccomp/compile-seccomp.ts";
export { DEFAULT_SECCOMP_PROFILE, defaultSeccompProfile } from "./seccomp/default-seccomp-profile.ts";
export { disassembleSeccompBpf, seccompReturnText } from "./seccomp/disassemble-bpf.ts";
export { resolveSeccompProfile, type SeccompProfileTarget } from "./seccomp/resolve-seccomp-profile.ts";
export { SeccompProgramCache } from "./seccomp/seccomp-program-cache.ts";
export { sha256Hex } from "./sha256-hex.ts";
export { descriptorMessage, emitSendWithDescriptor } from "./unix-socket/descriptor-message.ts";
export { emitConnect, emitListen, socketPathProblem } from "./unix-socket/emit-connect.ts";
export { emitFillReport, emitReport, reportBuffer } from "./zygote/emit-report.ts";
export {
  HELLO_FACTS,
  HELLO_SECTIONS,
  type HelloSection,
  LAUNCHER_NAMESPACES,
  LAUNCHER_TOKEN,
  LAUNCHER_VERSION,
  launcherFile,
} from "./zygote/launcher-program.ts";
export { emitFindArguments } from "./zygote/own-arguments.ts";
export { decodeReport, REPORT, type Report, reportKind } from "./zygote/report.ts";
export { FIRST_DESCRIPTOR, Zygote, type ZygoteEnd } from "./zygote/zygote.ts";
export { PROGRAM_LOST, ZygoteChannel } from "./zygote/zygote-channel.ts";
export type { Patience } from "./zygote/zygote-program.ts";
