import { removeArmor } from "./armor.ts";
import { framedKey, type PublicKey, readPublicKey } from "./public-key.ts";
import {
  PACKET_PUBLIC_KEY,
  PACKET_PUBLIC_SUBKEY,
  PACKET_SIGNATURE,
  PACKET_USER_ID,
  type Packet,
  readPackets,
} from "./read-packets.ts";
import {
  isSignatureOf,
  readSignature,
  SIGNATURE_CERTIFICATIONS,
  SIGNATURE_DIRECT_KEY,
  SIGNATURE_KEY_REVOCATION,
  SIGNATURE_PRIMARY_BINDING,
  SIGNATURE_SUBKEY_BINDING,
  SIGNATURE_SUBKEY_REVOCATION,
  type Signature,
} from "./signature.ts";

/** RFC 9580, section 5.2.3.29. */
const FLAG_SIGN = 0x02;

/** A key that may sign messages, or the reason why not. */
export interface SigningKey {
  readonly key: PublicKey;
  /** Of the primary key that it belongs to, in hex. */
  readonly primary: string;
  /** Seconds since 1970; undefined: never. */
  readonly expires: number | undefined;
  readonly problem: "is revoked" | "is not for signing" | undefined;
}

/**
 * The keys of a keyring, binary or in armor, by their ids. That the keys are there is what makes them trusted; their own
 * signatures say how long, for what, and which subkeys are theirs.
 *
 * @throws OrlopError `invalid`
 */
export function readKeyring(bytes: Buffer): readonly SigningKey[] {
  const text = bytes.toString("latin1", 0, Math.min(bytes.length, 4096));
  const packets = readPackets(
    text.includes("-----BEGIN PGP") ? removeArmor(bytes.toString("latin1"), "PGP PUBLIC KEY BLOCK") : bytes,
  );
  const certificates: Packet[][] = [];
  for (const packet of packets) {
    if (packet.type === PACKET_PUBLIC_KEY) certificates.push([]);
    certificates.at(-1)?.push(packet);
  }
  return certificates.flatMap(readCertificate);
}

/** What the signatures behind a key, a user id or a subkey are about. */
interface Component {
  readonly signed: Buffer;
  readonly subkey: PublicKey | undefined;
  readonly signatures: Signature[];
}

function readCertificate(packets: readonly Packet[]): readonly SigningKey[] {
  const [first, ...rest] = packets;
  const primary = first === undefined ? undefined : readPublicKey(first.body);
  if (primary === undefined) return [];
  const components = readComponents(primary, rest);
  const own = (signature: Signature, { signed }: Component): boolean => isSignatureOf(signature, signed, primary);
  const about = components.filter(({ subkey }) => subkey === undefined);
  const statements = about.flatMap((component) =>
    component.signatures.filter((signature) => isStatement(signature) && own(signature, component)),
  );
  const isRevoked = about.some((component) =>
    component.signatures.some((signature) => signature.type === SIGNATURE_KEY_REVOCATION && own(signature, component)),
  );
  const statement = newest(statements.filter(({ type }) => type !== SIGNATURE_DIRECT_KEY)) ?? newest(statements);
  const direct = newest(statements.filter(({ type }) => type === SIGNATURE_DIRECT_KEY));
  const expires = earlier(expiryOf(primary, statement), expiryOf(primary, direct));
  const key: SigningKey = {
    key: primary,
    primary: primary.fingerprint,
    expires,
    problem: isRevoked ? "is revoked" : maySign(statement) ? undefined : "is not for signing",
  };
  const subkeys = components.flatMap((component) => subkeyOf(primary, component, own));
  return [
    key,
    ...subkeys.map((subkey) => ({
      ...subkey,
      expires: earlier(subkey.expires, expires),
      problem: isRevoked ? ("is revoked" as const) : subkey.problem,
    })),
  ];
}

function readComponents(primary: PublicKey, packets: readonly Packet[]): readonly Component[] {
  const base = framedKey(primary.body);
  const components: Component[] = [{ signed: base, subkey: undefined, signatures: [] }];
  let isKnown = true;
  for (const { type, body } of packets) {
    if (type === PACKET_SIGNATURE) {
      const signature = isKnown ? readSignature(body) : undefined;
      if (signature !== undefined) components.at(-1)?.signatures.push(signature);
      continue;
    }
    const subkey = type === PACKET_PUBLIC_SUBKEY ? readPublicKey(body) : undefined;
    isKnown = type === PACKET_USER_ID || subkey !== undefined;
    if (!isKnown) continue;
    const framed = subkey === undefined ? framedUserId(body) : framedKey(body);
    components.push({ signed: Buffer.concat([base, framed]), subkey, signatures: [] });
  }
  return components;
}

function framedUserId(body: Buffer): Buffer {
  const head = Buffer.from([0xb4, 0, 0, 0, 0]);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function isStatement({ type }: Signature): boolean {
  return SIGNATURE_CERTIFICATIONS.has(type) || type === SIGNATURE_DIRECT_KEY;
}

function subkeyOf(
  primary: PublicKey,
  component: Component,
  own: (signature: Signature, component: Component) => boolean,
): readonly SigningKey[] {
  const { subkey, signatures, signed } = component;
  if (subkey === undefined) return [];
  const valid = signatures.filter((signature) => own(signature, component));
  const binding = newest(valid.filter(({ type }) => type === SIGNATURE_SUBKEY_BINDING));
  if (binding === undefined) return [];
  const isRevoked = valid.some(({ type }) => type === SIGNATURE_SUBKEY_REVOCATION);
  const signs = maySign(binding) && isBoundBack(binding, signed, subkey);
  return [
    {
      key: subkey,
      primary: primary.fingerprint,
      expires: expiryOf(subkey, binding),
      problem: isRevoked ? "is revoked" : signs ? undefined : "is not for signing",
    },
  ];
}

/** Without it, anyone could take the subkey of another for his own (RFC 9580, section 5.2.1.9). */
function isBoundBack({ embedded }: Signature, signed: Buffer, subkey: PublicKey): boolean {
  const back = embedded === undefined ? undefined : readSignature(embedded);
  return back?.type === SIGNATURE_PRIMARY_BINDING && isSignatureOf(back, signed, subkey);
}

function maySign(statement: Signature | undefined): boolean {
  return statement?.keyFlags === undefined || (statement.keyFlags & FLAG_SIGN) !== 0;
}

function expiryOf({ created }: PublicKey, statement: Signature | undefined): number | undefined {
  const after = statement?.keyExpiresAfter ?? 0;
  return after === 0 ? undefined : created + after;
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : Math.min(a, b ?? a);
}

function newest(signatures: readonly Signature[]): Signature | undefined {
  return signatures.reduce<Signature | undefined>(
    (best, each) => (best === undefined || each.created >= best.created ? each : best),
    undefined,
  );
}
