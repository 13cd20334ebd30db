import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import {
  type Digest,
  decodeImageConfig,
  decodeManifest,
  digestAlgorithm,
  digestEncoded,
  OrlopError,
  parseReference,
} from "@orlop/core";
import { copyImage, writeTar } from "@orlop/image";
import { openDebianSource } from "@orlop/image/debian";
import { openLayout } from "@orlop/image/files";
import { RegistryClient } from "@orlop/image/registry";
import { DockerRegistry } from "@orlop/testkit";
import { bigFilesLayer, smallFilesLayer } from "./made-layers.ts";
import { writeBenchLayout } from "./write-bench-layout.ts";

/** Of what is made below; another one where that changes. */
const VERSION = 1;

interface ImageRecipe {
  readonly name: string;
  readonly what: string;
  /** The archive that its layer is. */
  tar(): AsyncIterable<Buffer>;
}

const IMAGES: readonly ImageRecipe[] = [
  { name: "minbase", what: "a minimal Debian of 170 MB", tar: () => debianLayer("debian:bookworm?variant=minbase") },
  { name: "small-files", what: "400 MB in 26,000 files", tar: () => writeTar(smallFilesLayer()) },
  { name: "big-layer", what: "1 GB in one layer of large files", tar: () => writeTar(bigFilesLayer()) },
];

/** An image in a registry of this machine: one layer, compressed with gzip. */
export interface BenchImage {
  readonly name: string;
  readonly what: string;
  /** `127.0.0.1:PORT/minbase:latest` */
  readonly reference: string;
  /** Of its layer: the name of its only snapshot in stores that go by image-spec, config.md, "Layer ChainID". */
  readonly chainId: Digest;
  /** The path of its layer, as it is in the registry. */
  readonly layer: string;
}

/** Where what takes minutes to make stays for the next time. */
export function benchCache(): string {
  const base = process.env.XDG_CACHE_HOME;
  const directory = join(base?.startsWith("/") ? base : join(homedir(), ".cache"), "orlop-bench");
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** A registry with the images to pull, until it is disposed of. */
export class BenchRegistry implements AsyncDisposable {
  readonly images: readonly BenchImage[];
  readonly #registry: DockerRegistry;

  private constructor(registry: DockerRegistry, images: readonly BenchImage[]) {
    this.#registry = registry;
    this.images = images;
  }

  /** Of all images, or some. What is not in the cache is made first. */
  static async start(signal: AbortSignal, names?: readonly string[]): Promise<BenchRegistry> {
    await using stack = new AsyncDisposableStack();
    const registry = stack.use(await DockerRegistry.start());
    using client = new RegistryClient();
    const images: BenchImage[] = [];
    for (const { name, what, tar } of IMAGES.filter((each) => names?.includes(each.name) ?? true)) {
      signal.throwIfAborted();
      const directory = join(benchCache(), `${name}-${VERSION}`);
      if (!existsSync(directory)) {
        console.error(`Making an image to pull: ${what}`);
        await writeBenchLayout(directory, tar());
      }
      const reference = `${registry.host}/${name}:latest`;
      images.push({ name, what, reference, ...(await push(client, directory, reference, signal)) });
    }
    stack.move();
    return new BenchRegistry(registry, images);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#registry[Symbol.asyncDispose]();
  }
}

async function push(
  client: RegistryClient,
  directory: string,
  reference: string,
  signal: AbortSignal,
): Promise<Pick<BenchImage, "chainId" | "layer">> {
  await using source = openLayout(directory);
  const image = source.image(undefined);
  await using sink = client.sink(parseReference(reference));
  await copyImage(source, sink, image, { signal });
  await sink.finish();
  const { config, layers } = decodeManifest(await source.document(image.target));
  const [chainId] = decodeImageConfig(await source.document(config)).rootfs?.diff_ids ?? [];
  const [layer] = layers;
  if (chainId === undefined || layer === undefined) {
    throw new OrlopError("failed", `Cannot measure with "${directory}": it has no layer`);
  }
  return { chainId, layer: join(directory, "blobs", digestAlgorithm(layer.digest), digestEncoded(layer.digest)) };
}

/** The tar archive of an image that is made of packages. */
async function* debianLayer(reference: string): AsyncGenerator<Buffer> {
  await using source = await openDebianSource(reference, { scratchDirectory: benchCache() });
  const [image] = await source.images();
  if (image === undefined) throw new OrlopError("failed", `Cannot measure with "${reference}": it is not made`);
  const [layer] = decodeManifest(await source.document(image.target)).layers;
  if (layer !== undefined) yield* source.blob(layer);
}
