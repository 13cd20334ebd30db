import { decodeJson, OrlopError } from "@orlop/core";
import type { KeySource, Policy, PolicyRequirement, SignedIdentity, SigstoreTrust } from "./policy.ts";

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads a policy as strictly as containers-policy.json(5) asks for: what is unknown or stands twice makes all of it
 * invalid. What is known and not supported is kept, to be refused where an image meets it.
 *
 * @throws OrlopError `invalid`
 */
export function decodePolicy(name: string, text: string | Uint8Array): Policy {
  try {
    const document = membersOf(decodeJson("policy", text), "", ["default", "transports"]);
    const transports = mapOf(document.transports ?? {}, "transports", (scopes, at, transport) =>
      mapOf(scopes, at, (requirements, place, scope) => {
        expectScope(transport, scope, place);
        return requirementsOf(requirements, place);
      }),
    );
    return { name, default: requirementsOf(document.default, "default"), transports };
  } catch (cause) {
    if (!(cause instanceof OrlopError)) throw cause;
    throw new OrlopError("invalid", `Cannot use policy "${name}": ${cause.message}`, {
      operation: "read policy",
      cause,
    });
  }
}

const PATH_TRANSPORTS: ReadonlySet<string> = new Set(["dir", "oci", "oci-archive", "sif"]);

function expectScope(transport: string, scope: string, at: string): void {
  if (scope === "" || !PATH_TRANSPORTS.has(transport)) return;
  const isCanonical = scope.startsWith("/") && !/\/(?:\.{0,2}(?:\/|$))/.test(scope);
  if (!isCanonical) throw invalid(at, "its scope is no absolute path without . and .., or it is the root");
}

function requirementsOf(value: unknown, at: string): readonly PolicyRequirement[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(at, "it is no list of at least one requirement");
  return value.map((each: unknown, index) => requirementOf(each, `${at}[${index}]`));
}

function requirementOf(value: unknown, at: string): PolicyRequirement {
  const { type } = membersOf(value, at);
  switch (type) {
    case "insecureAcceptAnything":
    case "reject":
      membersOf(value, at, ["type"]);
      return { type };
    case "signedBy":
      return signedByOf(membersOf(value, at, ["type", "keyType", ...GPG_KEY_MEMBERS, "signedIdentity"]), at);
    case "signedBaseLayer":
      membersOf(value, at, ["type", "baseLayerIdentity"]);
      return { type: "unsupported", what: "signatures of base layers (signedBaseLayer)" };
    case "sigstoreSigned":
      return sigstoreSignedOf(membersOf(value, at, SIGSTORE_MEMBERS), at);
    default:
      throw invalid(`${at}.type`, `the requirement ${JSON.stringify(type)} is unknown`);
  }
}

const GPG_KEY_MEMBERS = ["keyPath", "keyPaths", "keyData"] as const;
/** Besides GPG's, which the manual has as names that mean nothing yet. */
const OTHER_KEY_TYPES: ReadonlySet<unknown> = new Set(["signedByGPGKeys", "X509Certificates", "signedByX509CAs"]);

function signedByOf(members: Members, at: string): PolicyRequirement {
  const signedIdentity = identityOf(members.signedIdentity, `${at}.signedIdentity`);
  const { keyType } = members;
  const [trust, further] = GPG_KEY_MEMBERS.filter((name) => members[name] !== undefined);
  if (trust === undefined || further !== undefined)
    throw invalid(at, `it needs exactly one of ${GPG_KEY_MEMBERS.join(", ")}`);
  if (OTHER_KEY_TYPES.has(keyType)) return { type: "unsupported", what: `signatures by ${keyType} (signedBy)` };
  if (keyType !== "GPGKeys") throw invalid(`${at}.keyType`, `the type ${JSON.stringify(keyType)} is unknown`);
  return { type: "signedBy", keys: keysOf(trust, members[trust], `${at}.${trust}`), signedIdentity };
}

const KEY_MEMBERS = ["keyPath", "keyPaths", "keyData", "keyDatas"] as const;
const REKOR_MEMBERS = [
  "rekorPublicKeyPath",
  "rekorPublicKeyPaths",
  "rekorPublicKeyData",
  "rekorPublicKeyDatas",
] as const;
const TRUST_MEMBERS = [...KEY_MEMBERS, "fulcio", "pki"] as const;
const SIGSTORE_MEMBERS: readonly string[] = ["type", ...TRUST_MEMBERS, ...REKOR_MEMBERS, "signedIdentity"];

function sigstoreSignedOf(members: Members, at: string): PolicyRequirement {
  const signedIdentity = identityOf(members.signedIdentity, `${at}.signedIdentity`);
  const [trust, further] = TRUST_MEMBERS.filter((name) => members[name] !== undefined);
  if (trust === undefined || further !== undefined)
    throw invalid(at, `it needs exactly one of ${TRUST_MEMBERS.join(", ")}`);
  const [rekor, another] = REKOR_MEMBERS.filter((name) => members[name] !== undefined);
  if (another !== undefined) throw invalid(at, `it has at most one of ${REKOR_MEMBERS.join(", ")}`);
  if (trust === "fulcio" && rekor === undefined)
    throw invalid(at, `with fulcio it needs one of ${REKOR_MEMBERS.join(", ")}`);
  // Which moment counts nobody says.
  if (trust === "pki" && rekor !== undefined)
    return { type: "unsupported", what: `signatures of sigstore with pki and ${rekor}` };
  return {
    type: "sigstoreSigned",
    trust: trustOf(trust, members[trust], `${at}.${trust}`),
    logKeys: rekor === undefined ? [] : keysOf(rekor, members[rekor], `${at}.${rekor}`),
    signedIdentity,
  };
}

function trustOf(trust: (typeof TRUST_MEMBERS)[number], value: unknown, at: string): SigstoreTrust {
  if (trust === "fulcio") {
    const members = membersOf(value, at, ["caPath", "caData", "oidcIssuer", "subjectEmail"]);
    return {
      kind: trust,
      roots: certificatesOf(members, ["caPath", "caData"], at),
      oidcIssuer: textOf(members.oidcIssuer, `${at}.oidcIssuer`),
      subjectEmail: textOf(members.subjectEmail, `${at}.subjectEmail`),
    };
  }
  if (trust !== "pki") return { kind: "keys", keys: keysOf(trust, value, at) };
  const members = membersOf(value, at, [...ROOT_MEMBERS, ...INTERMEDIATE_MEMBERS, ...SUBJECT_MEMBERS]);
  const subjects = SUBJECT_MEMBERS.filter((name) => members[name] !== undefined);
  if (subjects.length === 0) throw invalid(at, `it needs one of ${SUBJECT_MEMBERS.join(", ")}`);
  const hasIntermediates = INTERMEDIATE_MEMBERS.some((name) => members[name] !== undefined);
  return {
    kind: trust,
    roots: certificatesOf(members, ROOT_MEMBERS, at),
    ...(hasIntermediates ? { intermediates: certificatesOf(members, INTERMEDIATE_MEMBERS, at) } : {}),
    ...Object.fromEntries(subjects.map((name) => [name, textOf(members[name], `${at}.${name}`)])),
  };
}

const ROOT_MEMBERS = ["caRootsPath", "caRootsData"] as const;
const INTERMEDIATE_MEMBERS = ["caIntermediatesPath", "caIntermediatesData"] as const;
const SUBJECT_MEMBERS = ["subjectEmail", "subjectHostname"] as const;

function certificatesOf(members: Members, names: readonly string[], at: string): KeySource {
  const [name, further] = names.filter((each) => members[each] !== undefined);
  if (name === undefined || further !== undefined) throw invalid(at, `it needs exactly one of ${names.join(", ")}`);
  return keySourceOf(name, members[name], `${at}.${name}`);
}

function keysOf(member: string, value: unknown, at: string): readonly KeySource[] {
  const values: readonly unknown[] = member.endsWith("s") ? listOf(value, at) : [value];
  return values.map((each) => keySourceOf(member, each, at));
}

function keySourceOf(member: string, value: unknown, at: string): KeySource {
  const text = textOf(value, at);
  if (/Paths?$/.test(member)) return { path: text };
  const data = Buffer.from(text, "base64");
  if (data.toString("base64") !== text) throw invalid(at, "it is not Base64");
  return { data };
}

function identityOf(value: unknown, at: string): SignedIdentity {
  if (value === undefined) return { type: "matchRepoDigestOrExact" };
  const members = membersOf(value, at);
  const texts = <const Name extends string>(...names: readonly Name[]): Readonly<Record<Name, string>> => {
    membersOf(value, at, ["type", ...names]);
    return Object.fromEntries(names.map((name) => [name, textOf(members[name], `${at}.${name}`)])) as Record<
      Name,
      string
    >;
  };
  const { type } = members;
  switch (type) {
    case "matchExact":
    case "matchRepoDigestOrExact":
    case "matchRepository":
      membersOf(value, at, ["type"]);
      return { type };
    case "exactReference":
      return { type, ...texts("dockerReference") };
    case "exactRepository":
      return { type, ...texts("dockerRepository") };
    case "remapIdentity":
      return { type, ...texts("prefix", "signedPrefix") };
    default:
      throw invalid(`${at}.type`, `the identity ${JSON.stringify(type)} is unknown`);
  }
}

/** An object's members, all of which have to be known. */
function membersOf(value: unknown, at: string, known?: readonly string[]): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(at, "it is no object");
  const unknown = known && Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(at, `its member ${JSON.stringify(unknown)} is unknown`);
  return value as Members;
}

function mapOf<T>(
  value: unknown,
  at: string,
  decode: (value: unknown, at: string, name: string) => T,
): ReadonlyMap<string, T> {
  const entries = Object.entries(membersOf(value, at));
  return new Map(entries.map(([name, each]) => [name, decode(each, `${at}[${JSON.stringify(name)}]`, name)]));
}

function listOf(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(at, "it is no list of at least one");
  return value;
}

function textOf(value: unknown, at: string): string {
  if (typeof value !== "string" || value === "") throw invalid(at, "it is no text");
  return value;
}

function invalid(at: string, problem: string): OrlopError {
  return new OrlopError("invalid", at === "" ? problem : `${at}: ${problem}`);
}
