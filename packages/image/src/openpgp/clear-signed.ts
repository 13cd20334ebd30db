import { removeArmor } from "./armor.ts";
import { malformedOpenpgp } from "./read-packets.ts";

interface ClearSigned {
  /** What was signed: lines without the white space at their ends, joined by CR and LF. */
  readonly signed: Buffer;
  /** The same for reading, joined by LF. */
  readonly text: string;
  readonly signatures: Buffer;
}

const BEGIN = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE = "-----BEGIN PGP SIGNATURE-----";
const END = "-----END PGP SIGNATURE-----";

/**
 * Takes a text with a signature below it apart (RFC 9580, section 7). Nothing may stand before or behind: what is not
 * signed never reaches a reader.
 *
 * @throws OrlopError `invalid`
 */
export function readClearSigned(bytes: Buffer): ClearSigned {
  // A character for each byte, so that the bytes come out as they were.
  const lines = bytes.toString("latin1").split("\n");
  if (lines[0]?.trimEnd() !== BEGIN) throw malformedOpenpgp("it does not begin as a signed text does");
  const blank = lines.findIndex((line) => line.trim() === "");
  const signature = lines.findIndex((line) => line.trimEnd() === SIGNATURE);
  const end = lines.findIndex((line) => line.trimEnd() === END);
  if (blank < 0 || signature < blank || end < signature) throw malformedOpenpgp("it is no signed text");
  if (lines.slice(end + 1).some((line) => line.trim() !== ""))
    throw malformedOpenpgp("something follows the signature");
  const foreign = lines.slice(1, blank).find((line) => !/^Hash: [A-Za-z0-9, -]+\s*$/.test(line));
  if (foreign !== undefined) throw malformedOpenpgp("a signed text has a header that is not known");
  const text = lines.slice(blank + 1, signature).map(unescaped);
  return {
    signed: Buffer.from(text.join("\r\n"), "latin1"),
    text: `${text.join("\n")}\n`,
    signatures: removeArmor(lines.slice(signature, end + 1).join("\n"), "PGP SIGNATURE"),
  };
}

function unescaped(line: string): string {
  const text = line.replace(/[ \t\r]+$/, "");
  if (text.startsWith("- ")) return text.slice(2);
  if (text.startsWith("-")) throw malformedOpenpgp("a line begins with a dash that is not escaped");
  return text;
}
