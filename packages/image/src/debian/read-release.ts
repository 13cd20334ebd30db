import { readFile } from "node:fs/promises";
import { OrlopError } from "@orlop/core";
import { removeArmor } from "../openpgp/armor.ts";
import { readClearSigned } from "../openpgp/clear-signed.ts";
import { readKeyring, type SigningKey } from "../openpgp/keyring.ts";
import { readPackets } from "../openpgp/read-packets.ts";
import { SIGNATURE_BINARY, SIGNATURE_TEXT } from "../openpgp/signature.ts";
import { checkSignatures } from "../openpgp/verify-signatures.ts";
import type { FileRequest, RemoteFiles } from "../remote/remote-files.ts";
import type { Archive, SignedBy } from "./choose-archives.ts";
import { parseRelease, type Release } from "./parse-release.ts";

/** Debian's have 150 kB. */
const RELEASE_MAX_BYTES = 16 * 1024 * 1024;

interface ReleaseOptions {
  readonly files: RemoteFiles;
  /** Files with keys for archives that name none. */
  readonly trusted: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches the index of an archive, and believes it when one of the keys for the archive has signed it. Undefined: there is
 * none, and need not be.
 *
 * @throws OrlopError `denied` without a good signature, or for an index that is too old or for another suite
 */
export async function readRelease(archive: Archive, options: ReleaseOptions): Promise<Release | undefined> {
  const { files, signal } = options;
  const request: FileRequest = { sizeMax: RELEASE_MAX_BYTES, signal };
  const at = (name: string): URL => new URL(`dists/${archive.suite}/${name}`, archive.base);
  const [inline, keys] = await Promise.all([
    files.get(at("InRelease"), request).catch(missing),
    keysOf(archive.signedBy, options.trusted),
  ]);
  const url = at(inline === undefined ? "Release" : "InRelease");
  if (inline !== undefined) {
    const { text, signed, signatures } = readClearSigned(inline);
    expectGood({ url, signatures, signed, type: SIGNATURE_TEXT }, keys, archive, options.now);
    return parseRelease(text, archive, url, options.now);
  }
  const content = await files.get(url, request).catch(archive.isOptional ? missing : undefined);
  if (content === undefined) return undefined;
  const detached = await files.get(at("Release.gpg"), request);
  const signatures = detached[0] === 0x2d ? removeArmor(detached.toString("latin1"), "PGP SIGNATURE") : detached;
  expectGood({ url, signatures, signed: content, type: SIGNATURE_BINARY }, keys, archive, options.now);
  return parseRelease(content.toString("latin1"), archive, url, options.now);
}

function missing(error: unknown): undefined {
  if (error instanceof OrlopError && error.code === "not-found") return undefined;
  throw error;
}

interface SignedIndex {
  readonly url: URL;
  readonly signatures: Buffer;
  readonly signed: Buffer;
  readonly type: number;
}

function expectGood(
  { url, signatures, signed, type }: SignedIndex,
  keys: readonly SigningKey[],
  { signedBy }: Archive,
  now: number,
): void {
  const { good, problems } = checkSignatures(readPackets(signatures), signed, { keys, type, now: now / 1000 });
  const fingerprints = signedBy.flatMap((each) => ("fingerprint" in each ? [each.fingerprint] : []));
  const counts = good.filter(
    ({ signer, primary }) =>
      fingerprints.length === 0 || fingerprints.some((each) => signer.endsWith(each) || primary.endsWith(each)),
  );
  if (counts.length > 0) return;
  const others = good.map(({ signer }) => `the key ${signer} is none of those that may sign it`);
  const what = [...problems, ...others].join("; ") || "it has no signature";
  const way =
    "Try keyring=FILE with the keys of the archive, which the package debian-archive-keyring has for Debian's.";
  throw new OrlopError("denied", `Cannot trust index "${url}": ${what}\n${way}`);
}

async function keysOf(signedBy: readonly SignedBy[], trusted: readonly string[]): Promise<readonly SigningKey[]> {
  const own = signedBy.filter((each) => !("fingerprint" in each));
  const named = own.map(async (each) => {
    if (!("file" in each)) return readKeyring(Buffer.from("armor" in each ? each.armor : "", "latin1"));
    return await keysOfFile(each.file);
  });
  const all = own.length > 0 ? named : trusted.map(optionalKeys);
  return (await Promise.all(all)).flat();
}

async function keysOfFile(path: string): Promise<readonly SigningKey[]> {
  try {
    return readKeyring(await readFile(path));
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new OrlopError("not-found", `Cannot use keyring "${path}": ${problem}`, { cause });
  }
}

/** Of those that are there for all archives, one that is missing or broken only has no keys, as with apt. */
async function optionalKeys(path: string): Promise<readonly SigningKey[]> {
  try {
    return await keysOfFile(path);
  } catch {
    return [];
  }
}
