import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { isFoundAllowed } from "../egress/name-rules.ts";

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** RFC 6761, section 6.3. */
const LOOPBACK: readonly LookupAddress[] = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

/**
 * What a name stands for, as Node's sockets ask. `localhost` and names below it are this machine; no other name leads to its loopback,
 * to a link or to a group, whatever its owner says.
 */
export function upstreamLookup(name: string, options: LookupOptions, callback: LookupCallback): void {
  const answer = (found: readonly LookupAddress[]): void => {
    const [first] = found;
    if (first === undefined) callback(refusal(name), "");
    else if (options.all === true) callback(null, [...found]);
    else callback(null, first.address, first.family);
  };
  if (name === "localhost" || name.endsWith(".localhost")) {
    process.nextTick(answer, LOOPBACK);
    return;
  }
  lookup(name, { ...options, all: true }, (error, found) => {
    if (error === null) answer(found.filter(({ address }) => isFoundAllowed(address)));
    else callback(error, "");
  });
}

function refusal(name: string): NodeJS.ErrnoException {
  const error = new Error(`${name} stands for addresses that no name of others may stand for`);
  return Object.assign(error, { code: "EADDRNOTAVAIL" });
}
