import { OrlopError } from "@orlop/core";
import type { CachedFiles, IndexedFile } from "./cached-files.ts";
import { type Compression, decompressWhole } from "./decompress.ts";
import type { PackagesFile } from "./package-index.ts";
import type { Release } from "./parse-release.ts";

/** Debian's has 57 MB, and 13 MB compressed. */
const PACKAGES_MAX_BYTES = 1024 * 1024 * 1024;

/** The fastest first: what Node has itself, then what is smaller. */
const ENDINGS: readonly (readonly [ending: string, compression: Compression])[] = [
  [".gz", "gz"],
  [".xz", "xz"],
  ["", "none"],
];

interface FetchPackagesOptions {
  readonly files: CachedFiles;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((count: number) => void) | undefined;
}

/**
 * The lists of the packages of an archive for an architecture, one for each component.
 *
 * @throws OrlopError `not-found` where the archive has no such component or architecture
 */
export async function fetchPackages(
  release: Release,
  architecture: string,
  options: FetchPackagesOptions,
): Promise<readonly PackagesFile[]> {
  const { archive, architectures, hasIndexOfAll } = release;
  if (architectures.length > 0 && !architectures.includes(architecture)) {
    throw missing(release, `architecture "${architecture}"`, architectures);
  }
  const kinds = hasIndexOfAll ? [architecture, "all"] : [architecture];
  const wanted = archive.components.flatMap((component) => kinds.map((kind) => ({ component, kind })));
  const files = await Promise.all(
    wanted.map(async ({ component, kind }) => {
      const path = `${component}/binary-${kind}/Packages`;
      const text = await fetchList(release, path, options);
      if (text !== undefined) return [{ text, base: archive.base }];
      if (kind === "all") return [];
      throw missing(release, `component "${component}"`, release.components);
    }),
  );
  return files.flat();
}

async function fetchList(
  release: Release,
  path: string,
  { files, signal, onBytes }: FetchPackagesOptions,
): Promise<Buffer | undefined> {
  for (const [ending, compression] of ENDINGS) {
    const file = release.file(`${path}${ending}`);
    if (file === undefined) continue;
    const options = { sizeMax: PACKAGES_MAX_BYTES, signal, onBytes };
    const get = (url: URL): Promise<Buffer> => files.get({ ...file, url } satisfies IndexedFile, options);
    const content = await (file.byHash === undefined
      ? get(file.url)
      : get(file.byHash).catch((error: unknown) => {
          if (error instanceof OrlopError && error.code === "not-found") return get(file.url);
          throw error;
        }));
    return await decompressWhole(content, compression, { name: file.url.href, sizeMax: PACKAGES_MAX_BYTES, signal });
  }
  return undefined;
}

function missing({ archive }: Release, what: string, there: readonly string[]): OrlopError {
  const url = new URL(`dists/${archive.suite}`, archive.base);
  return new OrlopError("not-found", `Cannot find ${what} at "${url}": there are ${there.join(", ")}`);
}
