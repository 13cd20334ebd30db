/**
 * Settings of a terminal: struct termios of include/uapi/asm-generic/termbits.h, by offset. The line discipline is one
 * byte behind the flags, and the characters follow it.
 */
export const TERMIOS = { iflag: 0, oflag: 4, cflag: 8, lflag: 12, vtime: 22, vmin: 23 } as const;
export const TERMIOS_BYTES = 36;

/** include/uapi/asm-generic/ioctls.h */
export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
export const TCSETSF = 0x5404;

/** Of `oflag`: a line feed goes out as carriage return and line feed. */
export const ONLCR = 0o4;
