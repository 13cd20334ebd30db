import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Digest, digestAlgorithm, digestEncoded, OrlopError, parseDigest } from "@orlop/core";

/** stat(2): st_blocks counts these, whatever the file system's blocks are. */
export const STAT_BLOCK_BYTES = 512;

/** Where things are below the store's `content` directory. */
export class ContentPaths {
  readonly blobs: string;
  readonly ingests: string;

  constructor(directory: string) {
    this.blobs = join(directory, "blobs");
    this.ingests = join(directory, "ingest");
  }

  /** The directory of an algorithm's blobs. */
  algorithm(digest: Digest): string {
    return join(this.blobs, digestAlgorithm(digest));
  }

  blob(digest: Digest): string {
    return join(this.algorithm(digest), digestEncoded(digest));
  }

  ingest(digest: Digest): IngestPaths {
    const directory = join(this.ingests, `${digestAlgorithm(digest)}-${digestEncoded(digest)}`);
    return {
      directory,
      data: join(directory, "data"),
      ranges: join(directory, "ranges"),
      lock: join(directory, "lock"),
    };
  }

  /** Of the directories that are there of ingests. */
  ingestDigests(): readonly Digest[] {
    return namesIn(this.ingests).flatMap((name) => digestFromName(name) ?? []);
  }

  /** Of the files that are there of blobs, with a row or without. */
  blobDigests(): readonly Digest[] {
    return namesIn(this.blobs).flatMap((algorithm) =>
      namesIn(join(this.blobs, algorithm)).flatMap((name) => digestFromName(`${algorithm}/${name}`) ?? []),
    );
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

export interface IngestPaths {
  readonly directory: string;
  readonly data: string;
  /** A {@link RangesLog}. */
  readonly ranges: string;
  /** A {@link FileLock}: whose holder is at it. */
  readonly lock: string;
}

const VERIFIABLE: ReadonlySet<string> = new Set(["sha256", "sha512"]);

/**
 * A digest that may become a path, of an algorithm that the store can verify.
 *
 * @throws OrlopError `invalid`, `unsupported`
 */
export function storableDigest(digest: string): Digest {
  const parsed = parseDigest(digest);
  if (VERIFIABLE.has(digestAlgorithm(parsed))) return parsed;
  throw new OrlopError("unsupported", `Cannot store blob "${digest}": only sha256 and sha512 can be verified`);
}

/** The digest that a directory of an ingest, or a path of two components, is named for; undefined for other names. */
function digestFromName(name: string): Digest | undefined {
  try {
    return storableDigest(name.replace(/[-/]/, ":"));
  } catch {
    return undefined;
  }
}
