import { OrlopError } from "@orlop/core";
import { readKeyring, type SigningKey } from "../openpgp/keyring.ts";
import { readSignedMessage } from "../openpgp/read-signed-message.ts";
import { SIGNATURE_BINARY } from "../openpgp/signature.ts";
import { checkSignatures } from "../openpgp/verify-signatures.ts";
import { keyName, readKeySource } from "./key-source.ts";
import type { KeySource } from "./policy.ts";
import { decodePayload, type SignedClaim } from "./signature-payload.ts";

/** containers-signature(5), "The JSON data format". */
const SIGNATURE_TYPE = "atomic container signature";
const PAYLOAD_MAX_BYTES = 256 * 1024;

/**
 * The keys of a GPG keyring, binary or in armor.
 *
 * @throws OrlopError
 */
export function readGpgKeys(source: KeySource): readonly SigningKey[] {
  const bytes = readKeySource(source);
  const keys = wrapped(source, () => readKeyring(bytes));
  if (keys.length > 0) return keys;
  throw new OrlopError("invalid", `Cannot use key "${keyName(source)}": there is no public key in it that can be used`);
}

function wrapped<T>(source: KeySource, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof OrlopError)) throw cause;
    throw new OrlopError("invalid", `Cannot use key "${keyName(source)}": ${cause.message}`, { cause });
  }
}

/**
 * What a signature says (containers-signature(5): an OpenPGP message), or why it does not count. Nothing of it is read before
 * one of the keys is known to have made it.
 *
 * @throws OrlopError `invalid` for what is no such signature
 */
export function gpgClaim(message: Buffer, keys: readonly SigningKey[], now: number): SignedClaim | string {
  const { content, signature } = readSignedMessage(message, PAYLOAD_MAX_BYTES);
  const { good, problems } = checkSignatures([signature], content, { keys, type: SIGNATURE_BINARY, now: now / 1000 });
  if (good.length === 0) return problems.join(", ") || "its signature is of a kind that is not known";
  return decodePayload(content, SIGNATURE_TYPE);
}
