/**
 * Records on a container's control pipe: kind and argument, 32 bits each. A pipe takes a record whole or not at all
 * (pipe(7), PIPE_BUF), so that any number of processes may write to one.
 */
export const COMMAND_BYTES = 8;

export const COMMAND = {
  /** Let init execute the user's program. */
  start: 1,
  /** Send the signal given in the argument to init. */
  signal: 2,
  /** Set the terminal's size: rows in the low 16 bits, columns in the high. */
  resize: 3,
  /** Of streams that are passed on for another program: it has opened its side; the pid of the process, or 0. */
  begin: 4,
  /** Of the same: it will write no more. */
  leave: 5,
} as const;

export function encodeCommand(kind: keyof typeof COMMAND, argument = 0): Buffer {
  const record = Buffer.alloc(COMMAND_BYTES);
  record.writeUInt32LE(COMMAND[kind], 0);
  record.writeUInt32LE(argument >>> 0, 4);
  return record;
}
