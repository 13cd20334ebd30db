import { decodeJson, OrlopError } from "@orlop/core";
import type { PublicKey } from "./public-key.ts";

/** What an entry of the log has to be of. */
interface LoggedSignature {
  readonly payload: Buffer;
  readonly signature: Buffer;
  /** In DER: the key that the signature was made with, or the certificate of it. */
  readonly maker: Buffer;
}

type Members = Readonly<Record<string, unknown>>;

/** The entry's only form that is known here: of rekor, pkg/types/hashedrekord. */
const KIND = "hashedrekord";
const VERSION = "0.0.1";

/**
 * Reads what says that a signature stands in a log (rekor, "signed entry timestamp"), as cosign puts it beside the signature:
 * the log's own signature makes that sure without asking it. Gives when it came there, in milliseconds since 1970.
 *
 * @param keys of the log; any of them
 * @throws OrlopError `invalid` where it is not so
 */
export function readLogEntry(text: string, keys: readonly PublicKey[], logged: LoggedSignature): number {
  const { SignedEntryTimestamp: stamp, Payload } = membersOf(decodeJson("entry of the log", text), [
    "SignedEntryTimestamp",
    "Payload",
  ]);
  const { body, integratedTime, logID, logIndex } = membersOf(Payload, ["body", "integratedTime", "logIndex", "logID"]);
  const decoded = base64Of(body);
  if (typeof logID !== "string" || !/^[0-9a-f]+$/.test(logID)) throw refused("its log has no name");
  for (const number of [integratedTime, logIndex]) {
    if (!Number.isSafeInteger(number) || (number as number) < 0) throw refused("its numbers are none");
  }
  // As RFC 8785 has it: names in their order, and nothing that would have to be escaped.
  const signed = `{"body":"${body}","integratedTime":${integratedTime},"logID":"${logID}","logIndex":${logIndex}}`;
  const signature = base64Of(stamp);
  if (!keys.some((key) => key.verifies(Buffer.from(signed), signature))) throw refused("no known log has signed it");
  checkBody(decoded, logged);
  return (integratedTime as number) * 1000;
}

function checkBody(body: Buffer, { payload, signature, maker }: LoggedSignature): void {
  const { apiVersion, kind, spec } = membersOf(decodeJson("entry of the log", body), ["apiVersion", "kind", "spec"]);
  if (kind !== KIND || apiVersion !== VERSION)
    throw refused(`it is of kind ${kind} ${apiVersion}, not ${KIND} ${VERSION}`);
  const { data, signature: about } = membersOf(spec, ["data", "signature"]);
  const { algorithm, value } = membersOf(membersOf(data, ["hash"]).hash, ["algorithm", "value"]);
  if (algorithm !== "sha256") throw refused(`its digest is by ${algorithm}`);
  const { content, publicKey } = membersOf(about, ["content", "publicKey"]);
  const { createHash } = process.getBuiltinModule("node:crypto");
  if (value !== createHash("sha256").update(payload).digest("hex")) throw refused("it is of something else");
  if (!base64Of(content).equals(signature)) throw refused("it is of another signature");
  if (!pemContent(base64Of(membersOf(publicKey, ["content"]).content)).equals(maker))
    throw refused("it is of another key");
}

function pemContent(pem: Buffer): Buffer {
  const [, content] =
    /^-----BEGIN [A-Z ]+-----\n([A-Za-z0-9+/=\n]+)-----END [A-Z ]+-----\n?$/.exec(pem.toString("latin1")) ?? [];
  if (content === undefined) throw refused("its key is not in PEM");
  return Buffer.from(content, "base64");
}

function base64Of(value: unknown): Buffer {
  const bytes = Buffer.from(typeof value === "string" ? value : "", "base64");
  if (bytes.length === 0 || bytes.toString("base64") !== value) throw refused("what it holds is not in Base64");
  return bytes;
}

/** These members, and no others. */
function membersOf(value: unknown, names: readonly string[]): Members {
  const found = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  if (found.toSorted().join() === names.toSorted().join()) return value as Members;
  throw refused(`it has not the members ${names.join(", ")}, and no others`);
}

function refused(problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot use entry of the log of signatures: ${problem}`);
}
