import { type StructLayout, structLayout } from "../../program/struct-layout.ts";

/** What a relay is asked for. */
export const RELAY_OPERATIONS = {
  /** Opens the namespace at the path; the value is its descriptor. */
  openNamespace: 1,
  close: 2,
  /** A netlink socket of protocol `a` in the namespace; the value is its descriptor. */
  socket: 3,
  /** Sends the data on socket `a`; every datagram that comes then is an answer of its own, with `more`. */
  exchange: 4,
  /** Writes the data to the file at the path, which is there. */
  writeFile: 5,
  readFile: 6,
  /** Binds a socket of family `a`, type `b` and protocol `c` to the address in the data, and closes it. */
  tryBind: 7,
  /** Enters the user namespace at the path: from then on it may do what its owner may. */
  enterUser: 8,
} as const;

/** Followed by the path, with its NUL, and the data. */
export const RELAY_REQUEST: StructLayout<
  "operation" | "namespace" | "a" | "b" | "c" | "pathBytes" | "dataBytes" | "reserved"
> = structLayout("relay_request", 32, {
  operation: "u32",
  /** Descriptor of the namespace to be in. */
  namespace: "u32",
  a: "u32",
  b: "u32",
  c: "u32",
  pathBytes: "u32",
  dataBytes: "u32",
  reserved: "u32",
});

/** Followed by the data. */
export const RELAY_ANSWER: StructLayout<"value" | "dataBytes" | "more"> = structLayout("relay_answer", 16, {
  /** What the deciding call gave: a negative one is an errno. */
  value: "s64",
  dataBytes: "u32",
  more: "u32",
});

/** PATH_MAX, less the byte that ends every path whatever comes. */
export const RELAY_PATH_MAX_BYTES = 4095;
