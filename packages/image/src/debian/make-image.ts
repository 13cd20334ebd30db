import {
  type ContentStore,
  DEFAULT_PATH,
  type Descriptor,
  type ImageConfig,
  MEDIA_TYPE_IMAGE_CONFIG,
  MEDIA_TYPE_IMAGE_LAYER,
  MEDIA_TYPE_IMAGE_MANIFEST,
  OrlopError,
  type Platform,
} from "@orlop/core";
import { sha256Digest } from "../layout/verify-content.ts";
import { RemoteFiles } from "../remote/remote-files.ts";
import { type AptSettings, aptProxies } from "./apt-settings.ts";
import { CachedFiles } from "./cached-files.ts";
import { chooseArchives, distributionKeyring, publicArchives } from "./choose-archives.ts";
import type { DebianListener } from "./debian-event.ts";
import type { DebianRequest } from "./debian-request.ts";
import { fetchPackages } from "./fetch-packages.ts";
import { type MadeLayer, makeLayer } from "./make-layer.ts";
import { mergedLinks } from "./merged-links.ts";
import { PackageIndex } from "./package-index.ts";
import { readRelease } from "./read-release.ts";
import { resolvePackages } from "./resolve-packages.ts";
import { type ScriptProgram, scriptProgram } from "./script-program.ts";
import type { Spool } from "./spool.ts";

interface MakeOptions {
  readonly settings: AptSettings;
  readonly spool: Spool;
  readonly store?: ContentStore | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly sourceDateEpoch: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: DebianListener | undefined;
}

/** An image whose layer is in a spool. */
export interface MadeImage {
  readonly target: Descriptor;
  readonly layer: Descriptor;
  readonly config: Descriptor;
  /** The manifest and the config, by their digests. */
  readonly documents: ReadonlyMap<string, Buffer>;
  /** Seconds since 1970: of its newest file. */
  readonly mtime: number;
  /** Runs the maintainer scripts. @throws OrlopError `invalid` where the image has not what that needs */
  program(): ScriptProgram;
}

/** @throws OrlopError */
export async function makeImage(request: DebianRequest, options: MakeOptions): Promise<MadeImage> {
  const { settings, now, sourceDateEpoch, spool, store, signal, onEvent } = options;
  using mirror = new RemoteFiles(aptProxies(settings));
  const files = new CachedFiles(mirror, store);
  const trusted = [...settings.trustedKeyrings, distributionKeyring(request.distribution)];
  const archives = chooseArchives(request, settings);
  const onBytes = (count: number): void => onEvent?.({ kind: "bytes", count });
  const lists = await Promise.all(
    archives.map(async (archive) => {
      onEvent?.({ kind: "index", url: new URL(`dists/${archive.suite}`, archive.base).href });
      const release = await readRelease(archive, { files: mirror, trusted, now, signal });
      return release === undefined
        ? []
        : await fetchPackages(release, request.architecture, { files, signal, onBytes });
    }),
  );
  const index = new PackageIndex(lists.flat());
  const packages = resolvePackages(request, index);
  const bytes = packages.reduce((sum, { file }) => sum + file.size, 0);
  onEvent?.({ kind: "packages", count: packages.length, bytes });
  const contents = {
    packages,
    links: mergedLinks(index, request.architecture),
    files: { "etc/apt/sources.list": sourcesList(request) },
    scripts: request.scripts,
    sourceDateEpoch,
  };
  return describe(request, await makeLayer(contents, { files, spool, signal, onEvent }));
}

function sourcesList(request: DebianRequest): string {
  return publicArchives(request)
    .map(({ uri, suite, components }) => `deb ${uri} ${suite} ${components.join(" ")}\n`)
    .join("");
}

/** Go's names by Debian's, where they differ. */
const PLATFORMS: Readonly<Record<string, Pick<Platform, "architecture" | "variant">>> = {
  i386: { architecture: "386" },
  armhf: { architecture: "arm", variant: "v7" },
  armel: { architecture: "arm", variant: "v5" },
  arm64: { architecture: "arm64", variant: "v8" },
  ppc64el: { architecture: "ppc64le" },
  mips64el: { architecture: "mips64le" },
  mipsel: { architecture: "mipsle" },
  loong64: { architecture: "loong64" },
};

const SHELLS: readonly (readonly [path: string, command: readonly string[]])[] = [
  ["bash", ["bash"]],
  ["sh", ["sh"]],
  ["busybox", ["busybox", "sh"]],
];

function describe({ distribution, suite, architecture }: DebianRequest, made: MadeLayer): MadeImage {
  const created = new Date(made.mtime * 1000).toISOString().replace(".000Z", "Z");
  const command = SHELLS.find(([name]) => ["usr/bin", "bin"].some((path) => made.tree.get(`${path}/${name}`)))?.[1];
  const image: ImageConfig = {
    created,
    os: "linux",
    ...(PLATFORMS[architecture] ?? { architecture }),
    config: { Env: [`PATH=${DEFAULT_PATH}`], ...(command === undefined ? {} : { Cmd: command }) },
    rootfs: { type: "layers", diff_ids: [made.digest] },
    history: [{ created, created_by: `orlop ${distribution}:${suite}` }],
  };
  const documents = new Map<string, Buffer>();
  const document = (content: object, mediaType: string): Descriptor => {
    const bytes = Buffer.from(JSON.stringify(content));
    const digest = sha256Digest(bytes);
    documents.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const config = document(image, MEDIA_TYPE_IMAGE_CONFIG);
  const layer: Descriptor = { mediaType: MEDIA_TYPE_IMAGE_LAYER, digest: made.digest, size: made.size };
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_MANIFEST, config, layers: [layer] };
  const target = document(manifest, MEDIA_TYPE_IMAGE_MANIFEST);
  return { target, layer, config, documents, mtime: made.mtime, program: () => programOf(made) };
}

function programOf({ tree, scriptSteps, mtime }: MadeLayer): ScriptProgram {
  for (const name of ["dpkg", "sh"]) {
    if (["usr/bin", "bin"].some((path) => tree.get(`${path}/${name}`) !== undefined)) continue;
    const problem = `the image has no ${name}, which they need`;
    throw new OrlopError(
      "invalid",
      `Cannot run maintainer scripts: ${problem}\nTry variant=essential besides packages=.`,
    );
  }
  return scriptProgram(scriptSteps(), mtime);
}
