// table: what the last argument of calls with a command is, by command
import { CONSTANTS } from "../abi/constants.ts";
import type { ArgumentKind, SyscallName } from "../abi/syscalls.ts";
import { Immediate, type Operand } from "./instruction.ts";

const C = CONSTANTS;

/** Kinds by the command's number. Commands that are not here take an integer. */
type CommandKinds = ReadonlyMap<number, ArgumentKind>;

/** Where the command stands, and which arguments depend on it. */
interface CommandRow {
  readonly command: number;
  readonly argument: number;
  readonly kinds: CommandKinds;
}

const COMMANDS: Readonly<Partial<Record<SyscallName, CommandRow>>> = {
  // include/uapi/asm-generic/fcntl.h: F_GETLK to F_SETLKW and F_OFD_GETLK to F_OFD_SETLKW
  fcntl: {
    command: 1,
    argument: 2,
    kinds: new Map([5, 6, 7, 36, 37, 38].map((command) => [command, "p32"])),
  },
  // include/uapi/linux/mount.h, enum fsconfig_command; SET_PATH_EMPTY is 4
  fsconfig: {
    command: 1,
    argument: 3,
    kinds: new Map([
      [C.FSCONFIG_SET_STRING, "s"],
      [C.FSCONFIG_SET_BINARY, "b4"],
      [C.FSCONFIG_SET_PATH, "s"],
      [4, "s"],
    ]),
  },
  // Only the old commands: the others say in their number how large their object is.
  ioctl: {
    command: 1,
    argument: 2,
    kinds: new Map([
      [0x5401, "p36"], // TCGETS, TCSETS, TCSETSW, TCSETSF: struct termios
      [0x5402, "p36"],
      [0x5403, "p36"],
      [0x5404, "p36"],
      [0x5410, "p4"], // TIOCSPGRP
      [0x540f, "p4"], // TIOCGPGRP
      [0x541b, "p4"], // FIONREAD
      [0x5421, "p4"], // FIONBIO
      [C.TIOCGWINSZ, "p8"],
      [C.TIOCSWINSZ, "p8"],
      [C.LOOP_GET_STATUS64, "p232"],
      [C.LOOP_CONFIGURE, "p304"],
      [C.SIOCGIFFLAGS, "p40"],
      [C.SIOCSIFFLAGS, "p40"],
    ]),
  },
  keyctl: { command: 0, argument: 1, kinds: new Map([[C.KEYCTL_JOIN_SESSION_KEYRING, "S"]]) },
  // include/uapi/linux/prctl.h: GET_PDEATHSIG, SET_NAME, GET_NAME, GET_CHILD_SUBREAPER
  prctl: {
    command: 0,
    argument: 1,
    kinds: new Map([
      [2, "p4"],
      [C.PR_SET_NAME, "s"],
      [16, "p16"],
      [37, "p4"],
    ]),
  },
  // include/uapi/linux/seccomp.h: SET_MODE_FILTER, GET_ACTION_AVAIL, GET_NOTIF_SIZES
  seccomp: {
    command: 0,
    argument: 2,
    kinds: new Map([
      [C.SECCOMP_SET_MODE_FILTER, "p16"],
      [2, "p4"],
      [3, "p6"],
    ]),
  },
};

/** include/uapi/asm-generic/ioctl.h: two bits of direction above 14 bits of size. */
function encodedKind(command: bigint): ArgumentKind | undefined {
  const [direction, size] = [(command >> 30n) & 3n, (command >> 16n) & 0x3fffn];
  return direction === 0n ? undefined : `p${size}`;
}

/**
 * What an argument of kind `o` is in this call. Undefined when the command is not known before the program runs,
 * or when the argument belongs to no command.
 */
export function commandArgument(
  name: SyscallName,
  index: number,
  operands: readonly Operand[],
): ArgumentKind | undefined {
  const row = COMMANDS[name];
  if (row === undefined) return undefined;
  const command = operands[row.command];
  if (!(command instanceof Immediate)) return undefined;
  if (index !== row.argument) return "i";
  const known = row.kinds.get(Number(command.value));
  return known ?? (name === "ioctl" ? encodedKind(command.value) : undefined) ?? "i";
}
