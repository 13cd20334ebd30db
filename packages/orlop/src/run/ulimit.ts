import { OrlopError, RLIM_INFINITY, RLIMIT_TYPES, type Rlimit, type Uint64 } from "@orlop/core";

/**
 * `nofile=1024:4096`, `core=-1`: a limit's name as docker spells it, the soft value and the hard one, which is the
 * soft one when it is left out; -1 is unlimited.
 *
 * @throws OrlopError `invalid`
 */
export function parseUlimit(text: string): Rlimit {
  const [, name = "", soft = "", hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (name === "") throw invalid(`invalid ulimit argument: ${text}, it is NAME=SOFT or NAME=SOFT:HARD`);
  const type = RLIMIT_TYPES.find((each) => each === `RLIMIT_${name.toUpperCase()}`);
  if (type === undefined) throw invalid(`invalid ulimit type: ${name}`);
  const limit: Rlimit = { type, soft: value(soft), hard: value(hard) };
  if (limit.soft > limit.hard) {
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return limit;
}

function value(text: string): Uint64 {
  if (text === "-1") return RLIM_INFINITY;
  const number = BigInt(text);
  if (number < 0n || number > RLIM_INFINITY) throw invalid(`invalid ulimit value: ${text}`);
  return number <= Number.MAX_SAFE_INTEGER ? Number(number) : number;
}

function invalid(message: string): OrlopError {
  return new OrlopError("invalid", message);
}
