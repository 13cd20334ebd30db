import { OrlopError } from "@orlop/core";

/** Where signatures of images are, by addresses. */
export interface SignaturePlaces {
  /** By scopes of images in registries. */
  readonly scopes: ReadonlyMap<string, string>;
  /** Where no scope says otherwise. */
  readonly default: string;
}

interface ConfigurationFile {
  readonly name: string;
  readonly text: string;
}

const TEXTS = ["lookaside", "lookaside-staging", "sigstore", "sigstore-staging"] as const;
/** Attached signatures are looked for in any case: one that is not good changes nothing. */
const ATTACHMENTS = "use-sigstore-attachments";

/**
 * Reads the files of a directory as containers-registries.d(5) describes them. What is unknown, or stands in two places, is
 * refused.
 *
 * @param otherwise the place where no file names one
 * @throws OrlopError `invalid`
 */
export async function decodeRegistriesD(
  files: readonly ConfigurationFile[],
  otherwise: string,
): Promise<SignaturePlaces> {
  // Machines without these files, which are most, do not load it.
  const parse = files.length === 0 ? undefined : (await import("yaml")).parse;
  const scopes = new Map<string, string | undefined>();
  let all: { readonly place: string | undefined } | undefined;
  for (const { name, text } of files) {
    try {
      const document = membersOf(parsed(text, parse), "", ["default-docker", "docker"]);
      if (document["default-docker"] !== undefined) {
        if (all !== undefined) throw invalid("default-docker", "another file has it, too");
        all = { place: placeOf(document["default-docker"], "default-docker") };
      }
      for (const [scope, value] of Object.entries(membersOf(document.docker ?? {}, "docker"))) {
        const at = `docker[${JSON.stringify(scope)}]`;
        if (scopes.has(scope)) throw invalid(at, "another file has it, too");
        scopes.set(scope, placeOf(value, at));
      }
    } catch (cause) {
      if (!(cause instanceof OrlopError)) throw cause;
      throw new OrlopError("invalid", `Cannot use configuration "${name}": ${cause.message}`, {
        operation: "read configuration",
        cause,
      });
    }
  }
  const placed = [...scopes].filter((each): each is [string, string] => each[1] !== undefined);
  return { scopes: new Map(placed), default: all?.place ?? otherwise };
}

function parsed(text: string, parse: typeof import("yaml").parse | undefined): unknown {
  try {
    return parse?.(text, { maxAliasCount: 0 }) ?? {};
  } catch (cause) {
    throw invalid("", `it is no YAML: ${(cause as Error).message}`);
  }
}

/** `sigstore` is the old name. */
function placeOf(value: unknown, at: string): string | undefined {
  const members = membersOf(value ?? {}, at, [...TEXTS, ATTACHMENTS]);
  for (const name of TEXTS) {
    if (members[name] !== undefined && typeof members[name] !== "string")
      throw invalid(`${at}.${name}`, "it is no text");
  }
  const attachments = members[ATTACHMENTS];
  if (attachments !== undefined && typeof attachments !== "boolean") {
    throw invalid(`${at}.${ATTACHMENTS}`, "it is neither true nor false");
  }
  const place = (members.lookaside || members.sigstore) as string | undefined;
  return place === "" ? undefined : place;
}

/** A mapping's members, all of which have to be known. */
function membersOf(value: unknown, at: string, known?: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(at, "it is no mapping");
  const unknown = known && Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(at, `its member ${JSON.stringify(unknown)} is unknown`);
  return value as Readonly<Record<string, unknown>>;
}

function invalid(at: string, problem: string): OrlopError {
  return new OrlopError("invalid", at === "" ? problem : `${at}: ${problem}`);
}
