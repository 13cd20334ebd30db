import { OrlopError } from "./errors.ts";

/**
 * `algorithm:encoded`, such as `sha256:` and 64 hex digits (image-spec, descriptor.md, "Digests"). Only
 * {@link parseDigest} checks more than the colon.
 */
export type Digest = `${string}:${string}`;

/** The longest name that every file system takes: ids and names become file names. */
const FILE_NAME_LENGTH_MAX_BYTES = 255;

/**
 * The id of a container as the OCI runtime command takes it: runc's rule, letters, digits and `_+-.`, but neither
 * `.` nor `..`, because it becomes a directory; at most as long as a file name may be.
 *
 * @throws OrlopError `invalid`
 */
export function parseContainerId(id: string): string {
  const problem = idProblem(id);
  if (problem !== undefined) refuse("container id", id, problem);
  return id;
}

function idProblem(id: string): string | undefined {
  if (id === "") return "it is empty";
  if (id.length > FILE_NAME_LENGTH_MAX_BYTES) return `it is longer than ${FILE_NAME_LENGTH_MAX_BYTES} characters`;
  if (id === "." || id === "..") return "it would name another directory";
  if (!/^[A-Za-z0-9_+.-]*$/.test(id)) return "only letters, digits and _ + - . are allowed";
  return undefined;
}

/**
 * The name that a person gives to a container, a pod, a network or a volume: docker's rule, two or more of letters,
 * digits and `_.-`, the first being a letter or digit; at most as long as a file name may be.
 *
 * @throws OrlopError `invalid`
 */
export function parseName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]+$/.test(name)) {
    refuse("name", name, "it needs two or more of letters, digits and _ . -, the first being a letter or a digit");
  }
  if (name.length > FILE_NAME_LENGTH_MAX_BYTES) {
    refuse("name", name, `it is longer than ${FILE_NAME_LENGTH_MAX_BYTES} characters`);
  }
  return name;
}

const DIGEST = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([A-Za-z0-9=_-]+)$/;

/** Hex digits of the registered algorithms. */
const DIGEST_HEX_LENGTHS: Readonly<Record<string, number>> = { blake3: 64, sha256: 64, sha512: 128 };

/**
 * Checks a digest against the image-spec's grammar, and the encoded part of the registered algorithms (sha256,
 * sha512, blake3) against theirs. Digests of other algorithms pass, as the spec wishes; who needs to verify content
 * must refuse them then.
 *
 * @throws OrlopError `invalid`
 */
export function parseDigest(digest: string): Digest {
  const problem = digestProblem(digest);
  if (problem !== undefined) refuse("digest", digest, problem);
  return digest as Digest;
}

/** Why a string is no digest, or `undefined`. */
export function digestProblem(digest: string): string | undefined {
  if (digest.length > FILE_NAME_LENGTH_MAX_BYTES) return `it is longer than ${FILE_NAME_LENGTH_MAX_BYTES} characters`;
  const match = DIGEST.exec(digest);
  if (match === null) return "a digest has the form algorithm:encoded, such as sha256: and 64 hex digits";
  const [, algorithm = "", encoded = ""] = match;
  const length = Object.hasOwn(DIGEST_HEX_LENGTHS, algorithm) ? DIGEST_HEX_LENGTHS[algorithm] : undefined;
  if (length === undefined || (encoded.length === length && /^[0-9a-f]+$/.test(encoded))) return undefined;
  return `${algorithm} needs ${length} lower-case hex digits`;
}

/** The part of a digest before the colon. */
export function digestAlgorithm(digest: Digest): string {
  return digest.slice(0, digest.indexOf(":"));
}

/** The part of a digest after the colon: a file name below `blobs/<algorithm>/`. */
export function digestEncoded(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

const ID_BYTES = 32;

function webRandom(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

/**
 * A new id for a container, an exec, a network: 64 lower-case hex digits.
 *
 * @param random bytes that nobody can guess; absent: those of the Web Cryptography API, which takes long to load
 */
export function generateId(random: (length: number) => Uint8Array = webRandom): string {
  return Buffer.from(random(ID_BYTES)).toString("hex");
}

/**
 * A full id: 64 lower-case hex digits.
 *
 * @throws OrlopError `invalid`
 */
export function parseFullId(id: string): string {
  if (!/^[0-9a-f]{64}$/.test(id)) refuse("id", id, "a full id has 64 lower-case hex digits");
  return id;
}

const SHORT_ID_LENGTH = 12;

/** The first 12 digits of an id or of a digest's encoded part, for people to read. */
export function shortId(id: string): string {
  return id.slice(id.indexOf(":") + 1).slice(0, SHORT_ID_LENGTH);
}

/**
 * What a person may type for an id: 1 to 64 hex digits, with or without `sha256:` before them. Returned in lower
 * case without the prefix, ready to be matched against the beginnings of ids.
 *
 * @throws OrlopError `invalid`
 */
export function parseIdPrefix(prefix: string): string {
  const match = /^(?:sha256:)?([0-9a-fA-F]{1,64})$/.exec(prefix);
  if (match?.[1] === undefined) refuse("id", prefix, "an id has 1 to 64 hex digits");
  return match[1].toLowerCase();
}

function refuse(noun: string, value: string, problem: string): never {
  const shown = value.length <= 100 ? value : `${value.slice(0, 100)}...`;
  throw new OrlopError("invalid", `Cannot use ${noun} ${JSON.stringify(shown)}: ${problem}`, {
    operation: `use ${noun}`,
  });
}
