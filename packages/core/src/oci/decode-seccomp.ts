import {
  absolutePath,
  anyText,
  type Decoder,
  integer,
  list,
  nonEmptyText,
  nullable,
  object,
  oneOf,
  optional,
  refine,
  required,
  text,
  uint32,
  uint64,
  where,
} from "./field-decoders.ts";
import { decodeDocument, FieldFailure, memberPath } from "./field-failure.ts";
import { parseJson } from "./json-text.ts";
import {
  LINUX_SECCOMP_ACTIONS,
  LINUX_SECCOMP_ARCHES,
  LINUX_SECCOMP_FLAGS,
  LINUX_SECCOMP_OPERATORS,
  type LinuxSeccomp,
  type LinuxSeccompAction,
  type LinuxSeccompArg,
  type LinuxSyscall,
} from "./seccomp.ts";
import type {
  SeccompProfile,
  SeccompProfileArch,
  SeccompProfileFilter,
  SeccompProfileSyscall,
} from "./seccomp-profile.ts";

const action = oneOf(LINUX_SECCOMP_ACTIONS);
const arch = oneOf(LINUX_SECCOMP_ARCHES);
const flags = list(oneOf(LINUX_SECCOMP_FLAGS));

/** seccomp(2) hands a filter six arguments: `args` of struct seccomp_data, linux/seccomp.h. */
const ARGUMENT_COUNT = 6;

const arg: Decoder<LinuxSeccompArg> = object<LinuxSeccompArg>({
  index: required(integer(0, ARGUMENT_COUNT - 1)),
  value: required(uint64),
  valueTwo: optional(uint64),
  op: required(oneOf(LINUX_SECCOMP_OPERATORS)),
});

/** MAX_ERRNO of linux/err.h: the kernel turns a larger one into it. */
const ERRNO_MAX = 4095;
/** SECCOMP_RET_DATA, what a tracer gets of the number. */
const TRACE_DATA_MAX = 0xffff;

/** An errno belongs to SCMP_ACT_ERRNO and SCMP_ACT_TRACE alone (config-linux.md: "MUST print and error and fail"). */
function checkErrno(found: LinuxSeccompAction, errno: number | string | undefined, path: string): void {
  if (errno === undefined) return;
  if (found !== "SCMP_ACT_ERRNO" && found !== "SCMP_ACT_TRACE") {
    throw new FieldFailure(path, `the action is ${found}, and only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno`);
  }
  const max = found === "SCMP_ACT_ERRNO" ? ERRNO_MAX : TRACE_DATA_MAX;
  if (typeof errno === "number" && errno > max) {
    throw new FieldFailure(path, `found ${errno}, expected at most ${max} for ${found}`);
  }
}

const syscall: Decoder<LinuxSyscall> = refine(
  object<LinuxSyscall>({
    names: required(list(nonEmptyText, 1)),
    action: required(action),
    errnoRet: optional(uint32),
    args: optional(list(arg)),
  }),
  (rule, at) => checkErrno(rule.action, rule.errnoRet, memberPath(at, "errnoRet")),
);

/** The members that a profile and `linux.seccomp` share. */
function checkFilter(filter: LinuxSeccomp | SeccompProfile, at: string): void {
  checkErrno(filter.defaultAction, filter.defaultErrnoRet, memberPath(at, "defaultErrnoRet"));
  if (filter.listenerMetadata !== undefined && filter.listenerPath === undefined) {
    throw new FieldFailure(memberPath(at, "listenerMetadata"), "it needs listenerPath, which is missing");
  }
}

/** `linux.seccomp` as a field of a larger document. */
export const linuxSeccompDecoder: Decoder<LinuxSeccomp> = refine(
  object<LinuxSeccomp>({
    defaultAction: required(action),
    defaultErrnoRet: optional(uint32),
    architectures: optional(list(arch)),
    flags: optional(flags),
    listenerPath: optional(absolutePath),
    listenerMetadata: optional(text),
    syscalls: optional(list(syscall)),
  }),
  checkFilter,
);

/**
 * Decodes a bare `linux.seccomp` object.
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function decodeLinuxSeccomp(input: string | Uint8Array): LinuxSeccomp {
  return decodeDocument("OCI seccomp filter", () => linuxSeccompDecoder(parseJson(input), ""));
}

const errnoName = where(text, (name) => /^E[A-Z0-9]+$/.test(name), "the name of an errno, such as ENOSYS");

const profileFilter = object<SeccompProfileFilter>({
  caps: optional(list(nonEmptyText)),
  arches: optional(list(nonEmptyText)),
  minKernel: optional(
    where(text, (version) => /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.test(version), 'a kernel version such as "4.8"'),
  ),
});

/** Profiles from before docker 1.13 have one `name` for each rule. */
const profileSyscall: Decoder<SeccompProfileSyscall> = (value, at) =>
  profileSyscallWithNames(hasOneName(value, at) ? withNames(value) : value, at);

const profileSyscallWithNames: Decoder<SeccompProfileSyscall> = refine(
  object<SeccompProfileSyscall>({
    names: required(list(nonEmptyText, 1)),
    action: required(action),
    errnoRet: optional(uint32),
    errno: optional(errnoName),
    args: optional(list(arg)),
    comment: optional(anyText),
    includes: optional(profileFilter),
    excludes: optional(profileFilter),
  }),
  (rule, at) => {
    checkErrno(rule.action, rule.errnoRet, memberPath(at, "errnoRet"));
    checkErrno(rule.action, rule.errno, memberPath(at, "errno"));
  },
);

function hasOneName(value: unknown, at: string): value is { readonly name: string } {
  if (typeof value !== "object" || value === null || !("name" in value) || value.name === "") return false;
  if ("names" in value && value.names !== null) {
    throw new FieldFailure(memberPath(at, "name"), "a rule has either name or names");
  }
  nonEmptyText(value.name, memberPath(at, "name"));
  return true;
}

function withNames({ name, ...others }: { readonly name: string }): unknown {
  return { ...others, names: [name] };
}

const profile: Decoder<SeccompProfile> = refine(
  object<SeccompProfile>({
    defaultAction: required(action),
    defaultErrnoRet: optional(uint32),
    defaultErrno: optional(errnoName),
    architectures: optional(list(oneOf([...LINUX_SECCOMP_ARCHES, "SCMP_ARCH_NATIVE"]))),
    archMap: optional(
      list(
        object<SeccompProfileArch>({
          architecture: required(arch),
          subArchitectures: required(nullable(list(arch))),
        }),
      ),
    ),
    flags: optional(flags),
    listenerPath: optional(absolutePath),
    listenerMetadata: optional(text),
    syscalls: optional(list(profileSyscall)),
  }),
  (found, at) => {
    checkFilter(found, at);
    checkErrno(found.defaultAction, found.defaultErrno, memberPath(at, "defaultErrno"));
    if ((found.architectures?.length ?? 0) > 0 && (found.archMap?.length ?? 0) > 0) {
      throw new FieldFailure(memberPath(at, "archMap"), "a profile has either archMap or architectures");
    }
  },
);

/**
 * Decodes a profile file of docker or podman.
 *
 * An empty object, which docker reads as "no filter at all", is refused: nobody should lose the filter by an
 * empty file.
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function decodeSeccompProfile(input: string | Uint8Array): SeccompProfile {
  return decodeDocument("seccomp profile", () => profile(parseJson(input), ""));
}
