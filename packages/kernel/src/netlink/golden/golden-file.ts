import { readFileSync } from "node:fs";

/** A command of one of the field's tools, and what it exchanged with the kernel: datagrams in hexadecimal. */
export interface GoldenCapture {
  readonly command: string;
  readonly exchanges: readonly { readonly sent: string; readonly received?: readonly string[] }[];
}

/** What `capture.ts` wrote under this name. */
export function goldenCaptures(name: string): readonly GoldenCapture[] {
  const text = readFileSync(new URL(`${name}.json`, import.meta.url), "utf8");
  return (JSON.parse(text) as { captures: readonly GoldenCapture[] }).captures;
}

/** The capture of one command. For input that went to `nft -f -`, the input is the command. */
export function goldenCapture(name: string, command: string): GoldenCapture {
  const found = goldenCaptures(name).find(
    (capture) => capture.command === command || capture.command === `nft -f - <<< '${command}'`,
  );
  if (found === undefined) throw new Error(`no golden capture of "${command}" in ${name}.json`);
  return found;
}

/** The last datagram that the command sent. `ip` puts zeros behind some requests, which the kernel does not read. */
export function sentBytes(capture: GoldenCapture): Uint8Array {
  const bytes = Uint8Array.from(Buffer.from(capture.exchanges.at(-1)?.sent ?? "", "hex"));
  const view = new DataView(bytes.buffer);
  const length = view.getUint32(0, true);
  const next = Math.ceil(length / 4) * 4;
  return bytes.length > next && view.getUint32(next, true) === 0 ? bytes.subarray(0, length) : bytes;
}

/** All answers to all requests of the command, in order. */
export function receivedDatagrams(capture: GoldenCapture): Uint8Array[] {
  return capture.exchanges.flatMap(({ received = [] }) =>
    received.map((hex) => Uint8Array.from(Buffer.from(hex, "hex"))),
  );
}
