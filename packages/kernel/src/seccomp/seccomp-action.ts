import { type LinuxSeccompAction, OrlopError } from "@orlop/core";
import { errnoNumber } from "../abi/errno.ts";

/** SECCOMP_RET_* of include/uapi/linux/seccomp.h: the upper 16 bits of a verdict. The lower 16 are its data. */
export const SECCOMP_RETURNS = {
  KILL_PROCESS: 0x8000_0000,
  KILL_THREAD: 0x0000_0000,
  TRAP: 0x0003_0000,
  ERRNO: 0x0005_0000,
  USER_NOTIF: 0x7fc0_0000,
  TRACE: 0x7ff0_0000,
  LOG: 0x7ffc_0000,
  ALLOW: 0x7fff_0000,
} as const;

/** SECCOMP_RET_DATA. */
const dataMax = 0xffff;

const returns: Readonly<Record<LinuxSeccompAction, keyof typeof SECCOMP_RETURNS>> = {
  SCMP_ACT_KILL: "KILL_THREAD",
  SCMP_ACT_KILL_THREAD: "KILL_THREAD",
  SCMP_ACT_KILL_PROCESS: "KILL_PROCESS",
  SCMP_ACT_TRAP: "TRAP",
  SCMP_ACT_ERRNO: "ERRNO",
  SCMP_ACT_TRACE: "TRACE",
  SCMP_ACT_ALLOW: "ALLOW",
  SCMP_ACT_LOG: "LOG",
  SCMP_ACT_NOTIFY: "USER_NOTIF",
};

/** What a call gets that this kernel is not known to have: the error of a call that does not exist. */
export const RETURN_ENOSYS: number = SECCOMP_RETURNS.ERRNO + errnoNumber("ENOSYS");

/**
 * The verdict of an action, as a filter returns it.
 *
 * @param errnoRet of the config; EPERM when absent, and only for the two actions that carry a number
 * @param field where the action stands, for the error
 * @throws OrlopError `invalid`
 */
export function seccompReturn(action: LinuxSeccompAction, errnoRet: number | undefined, field: string): number {
  const kind = returns[action];
  if (!Object.hasOwn(returns, action)) {
    throw new OrlopError("invalid", `Cannot compile seccomp action "${action}": the OCI spec has no such action`, {
      field,
    });
  }
  const carriesNumber = kind === "ERRNO" || kind === "TRACE";
  if (!carriesNumber) {
    if (errnoRet === undefined) return SECCOMP_RETURNS[kind];
    const why = "only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno";
    throw new OrlopError("invalid", `Cannot compile seccomp action "${action}": ${why}`, { field });
  }
  const number = errnoRet ?? errnoNumber("EPERM");
  if (Number.isInteger(number) && number >= 0 && number <= dataMax) return SECCOMP_RETURNS[kind] + number;
  throw new OrlopError("invalid", `Cannot compile seccomp errno "${number}": a verdict has room for 0 to ${dataMax}`, {
    field,
  });
}

/**
 * Whether a default action lets calls through. A profile like that has nothing to say about calls that are newer
 * than itself; any other must answer them with ENOSYS, so that programs use the older call instead.
 */
export function isPermissive(action: LinuxSeccompAction): boolean {
  return action === "SCMP_ACT_ALLOW" || action === "SCMP_ACT_LOG" || action === "SCMP_ACT_TRACE";
}
