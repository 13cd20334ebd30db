import { type LinuxDeviceCgroup, OrlopError } from "@orlop/core";

/**
 * Docker's `TYPE MAJOR:MINOR ACCESS` of the device cgroup, such as `c 13:* rwm`: who has it may use nodes of that kind that it
 * makes, or that appear later.
 *
 * @throws OrlopError `invalid`
 */
export function parseDeviceRule(text: string): LinuxDeviceCgroup {
  const [, type, major = "", minor = "", access = ""] =
    /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(text) ?? [];
  const numbers = [major, minor].map((number) => (number === "*" ? -1 : Number(number)));
  if (type === undefined || numbers.some((number) => number > NUMBER_MAX)) {
    throw new OrlopError("invalid", `invalid device cgroup format '${text}'`);
  }
  const [majorNumber = -1, minorNumber = -1] = numbers;
  return { allow: true, type: type as "a" | "b" | "c", major: majorNumber, minor: minorNumber, access };
}

/** The kernel's dev_t has twelve bits for the one and twenty for the other; that it has none of a number is its to say. */
const NUMBER_MAX = 0xffff_ffff;
