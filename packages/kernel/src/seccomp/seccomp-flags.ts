import { type LinuxSeccompFlag, OrlopError } from "@orlop/core";
import { CONSTANTS } from "../abi/constants.ts";
import { SECCOMP_FIELD } from "./profile-rules.ts";

const bits: Readonly<Record<LinuxSeccompFlag, number>> = {
  // About other threads: what loads a filter has none. So runc has it, too.
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: CONSTANTS.SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: CONSTANTS.SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: CONSTANTS.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
};

/**
 * The flags argument of seccomp(2).
 *
 * A config without `flags` gets SPEC_ALLOW, as under runc and crun: without it the kernel turns on mitigations that
 * slow the container down. An empty list means none.
 *
 * @throws OrlopError `invalid`
 */
export function seccompFlags(flags: readonly LinuxSeccompFlag[] | undefined, listens: boolean): number {
  let value: number = listens ? CONSTANTS.SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  for (const [index, flag] of (flags ?? ["SECCOMP_FILTER_FLAG_SPEC_ALLOW" as const]).entries()) {
    if (!Object.hasOwn(bits, flag)) {
      throw new OrlopError("invalid", `Cannot compile seccomp flag "${flag}": the OCI spec has no such flag`, {
        field: `${SECCOMP_FIELD}.flags[${index}]`,
      });
    }
    // It says how to wait for a listener. The kernel refuses it where there is none, and crun then loads without it.
    if (flag === "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" && !listens) continue;
    value |= bits[flag];
  }
  return value;
}
