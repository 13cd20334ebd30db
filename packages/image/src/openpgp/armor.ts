import { malformedOpenpgp } from "./read-packets.ts";

/** What armor says that it holds. */
type ArmorKind = "PGP PUBLIC KEY BLOCK" | "PGP SIGNATURE";

/**
 * The bytes within ASCII armor (RFC 9580, section 6.2), of all blocks of this kind one behind the other. The checksum is
 * not looked at, as the RFC asks: what counts is the signature.
 *
 * @throws OrlopError `invalid`
 */
export function removeArmor(text: string, kind: ArmorKind): Buffer {
  const blocks: Buffer[] = [];
  const lines = text.split("\n").map((line) => line.trimEnd());
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== `-----BEGIN ${kind}-----`) continue;
    const end = lines.indexOf(`-----END ${kind}-----`, at);
    const blank = lines.indexOf("", at);
    if (end < 0 || blank < 0 || blank > end) throw malformedOpenpgp("its armor is broken");
    const data = lines.slice(blank + 1, end).filter((line) => !line.startsWith("="));
    if (!data.every((line) => /^[A-Za-z0-9+/]*={0,2}$/.test(line))) throw malformedOpenpgp("its armor is broken");
    blocks.push(Buffer.from(data.join(""), "base64"));
    at = end;
  }
  if (blocks.length === 0) throw malformedOpenpgp(`there is no ${kind}`);
  return Buffer.concat(blocks);
}
