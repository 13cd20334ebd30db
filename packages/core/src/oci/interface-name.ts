import { type Decoder, text, where } from "./field-decoders.ts";

/** IFNAMSIZ of linux/if.h without the NUL. */
const NAME_LENGTH_MAX_BYTES = 15;

/** The name of a network interface, by the rules of dev_valid_name() in the kernel's net/core/dev.c. */
export const interfaceName: Decoder<string> = where(
  text,
  (name) =>
    /^[^/:\s]+$/.test(name) && name !== "." && name !== ".." && Buffer.byteLength(name) <= NAME_LENGTH_MAX_BYTES,
  `an interface name of at most ${NAME_LENGTH_MAX_BYTES} bytes without /, : and white space`,
);
