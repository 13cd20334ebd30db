import { OrlopError } from "@orlop/core";
import { isOn } from "./apt-settings.ts";
import type { IndexedFile } from "./cached-files.ts";
import type { Archive } from "./choose-archives.ts";
import { refusedFile, shown } from "./debian-error.ts";
import { readStanza, type Stanza, words } from "./read-stanza.ts";

/** What a signed index says. */
export interface Release {
  readonly archive: Archive;
  /** Milliseconds since 1970. */
  readonly date: number;
  readonly architectures: readonly string[];
  readonly components: readonly string[];
  /** Architectures for which `all` has an index of its own. */
  readonly hasIndexOfAll: boolean;
  /** A file of it; undefined: there is none. */
  file(path: string): ReleaseFile | undefined;
}

interface ReleaseFile extends IndexedFile {
  /** The same content under a name that does not change while a mirror is updated. */
  readonly byHash: URL | undefined;
}

/** apt's. */
const CLOCK_DIFFERENCE_MAX_MS = 10_000;

/**
 * Reads an index whose signature is good, and checks that it is the right one and of today.
 *
 * @throws OrlopError `invalid`, `denied`
 */
export function parseRelease(text: string, archive: Archive, url: URL, now: number): Release {
  const stanza = readStanza(text, url.href);
  const { suite, checkDate, checkValidUntil } = archive;
  const names = [stanza.get("suite"), stanza.get("codename")];
  if (!names.includes(suite))
    throw untrusted(url, `it is for the suite ${names.map((name) => name ?? "-").join(", ")}`);
  const date = dateOf(stanza, "date", url);
  const validUntil = stanza.has("valid-until") ? dateOf(stanza, "valid-until", url) : undefined;
  if (checkDate && date > now + CLOCK_DIFFERENCE_MAX_MS) {
    throw untrusted(url, `its date ${new Date(date).toISOString()} has not come yet`);
  }
  if (checkDate && checkValidUntil && validUntil !== undefined && validUntil < now) {
    throw untrusted(url, `it was valid until ${new Date(validUntil).toISOString()}`);
  }
  const hashes = readHashes(stanza, url);
  const isByHash = isOn(stanza.get("acquire-by-hash")) === true;
  const architectures = words(stanza.get("architectures"));
  const withoutAll = words(stanza.get("no-support-for-architecture-all")).includes("Packages");
  return {
    archive,
    date,
    architectures,
    components: words(stanza.get("components")),
    hasIndexOfAll: architectures.includes("all") && !withoutAll,
    file: (path) => {
      const hash = hashes.get(path);
      if (hash === undefined) return undefined;
      const plain = new URL(path, url);
      const byHash = isByHash ? new URL(`by-hash/SHA256/${hash.sha256}`, plain) : undefined;
      return { ...hash, url: plain, byHash };
    },
  };
}

function dateOf(stanza: Stanza, field: string, url: URL): number {
  const value = stanza.get(field) ?? "";
  const isPlain = /^[A-Z][a-z]{2}, +\d{1,2} [A-Z][a-z]{2} \d{4} +\d{1,2}:\d{2}:\d{2} (?:UTC|GMT|Z|\+0000)$/.test(value);
  const date = isPlain ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(date)) throw refusedFile(url.href, `its ${field} ${shown(value)} is no date`);
  return date;
}

function readHashes(stanza: Stanza, url: URL): ReadonlyMap<string, { readonly sha256: string; readonly size: number }> {
  const hashes = new Map<string, { readonly sha256: string; readonly size: number }>();
  const lines = (stanza.get("sha256") ?? "").split("\n").map((line) => line.trim());
  for (const line of lines.filter((each) => each !== "")) {
    const [, sha256, size, path] = /^([0-9a-f]{64}) +(\d{1,15}) +(\S+)$/.exec(line) ?? [];
    if (sha256 === undefined || path === undefined) throw refusedFile(url.href, `${shown(line)} is no hash of a file`);
    hashes.set(path, { sha256, size: Number(size) });
  }
  if (hashes.size === 0) throw refusedFile(url.href, "it has no SHA256 hashes");
  return hashes;
}

function untrusted(url: URL, problem: string): OrlopError {
  return new OrlopError("denied", `Cannot trust index "${url}": ${problem}`);
}
