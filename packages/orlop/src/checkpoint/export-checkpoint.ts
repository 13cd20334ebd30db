import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import { OrlopError } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { type TarEntry, writeTar } from "@orlop/image";
import { XattrReader } from "@orlop/snapshot";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { writtenSnapshot } from "../commit/written-snapshot.ts";
import type { ContainerCall } from "../containers/container-verb.ts";
import { treeEntries } from "../cp/tree-entries.ts";
import { type CheckpointDocument, DOCUMENT, encodeDocument, ROOTFS_DIFF, volumeFile } from "./checkpoint-archive.ts";

export type ExportCompression = "gzip" | "none" | "zstd";

export interface ExportOptions {
  /** Absolute. */
  readonly file: string;
  readonly compression: ExportCompression;
  readonly ignoreRootfs: boolean;
  readonly ignoreVolumes: boolean;
}

/** @throws OrlopError `unsupported` for a container that nobody could make again elsewhere, before anything is ended */
export function refuseUnportable(container: Container): void {
  const { name, commandLine, network, pod, requires = [] } = container;
  const what =
    commandLine === undefined
      ? "it was not made by orlop run or orlop create"
      : pod !== undefined
        ? "it belongs to a pod"
        : network.kind === "container"
          ? "its network is another container's"
          : requires.length > 0
            ? "it requires other containers"
            : undefined;
  if (what !== undefined) throw new OrlopError("unsupported", `Cannot export container "${name}": ${what}`);
  writtenSnapshot("export", name, container);
}

/** Writes the checkpoint of a container, with its files, to an archive, which is there whole or not at all. */
export async function exportCheckpoint(
  call: ContainerCall,
  container: Container,
  options: ExportOptions,
): Promise<void> {
  const { file, compression } = options;
  const temporary = `${file}.${process.pid}.new`;
  try {
    const archive = writeTar(archiveEntries(call, container, options));
    const target = createWriteStream(temporary, { mode: 0o600 });
    if (compression === "none") await pipeline(archive, target);
    else await pipeline(archive, compression === "gzip" ? createGzip() : createZstdCompress(), target);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

async function* archiveEntries(
  { engine, depot }: ContainerCall,
  container: Container,
  { ignoreRootfs, ignoreVolumes }: ExportOptions,
): AsyncGenerator<TarEntry> {
  const { snapshotter, key } = writtenSnapshot("export", container.name, container);
  const volumes = ignoreVolumes ? [] : container.volumes;
  yield bytesEntry(
    DOCUMENT,
    encodeDocument(
      documentOf(
        container,
        volumes.map(({ destination }) => destination),
      ),
    ),
  );
  const images = engine.checkpointPath(container);
  for (const name of readdirSync(images)) yield fileEntry(`checkpoint/${name}`, join(images, name));
  const scratch = mkdtempSync(join(tmpdir(), "orlop-checkpoint-"));
  try {
    const part = join(scratch, "part.tar");
    if (!ignoreRootfs) {
      using changes = await depot.changes(snapshotter, key, container);
      await pipeline(writeTar(changes.entries()), createWriteStream(part));
      yield fileEntry(ROOTFS_DIFF, part);
    }
    for (const [index, { name }] of volumes.entries()) {
      await pipeline(writeTar(volumeEntries(engine.volumes.get(name).path)), createWriteStream(part));
      yield fileEntry(volumeFile(index), part);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function* volumeEntries(path: string): AsyncGenerator<TarEntry> {
  using root = new RootDirectory(path);
  using top = root.open();
  const paths: string[] = [];
  for await (const entry of treeEntries(top, "", { name: "" })) paths.push(entry.path);
  using reader = new XattrReader();
  yield* treeEntries(top, "", { name: "", xattrs: await reader.read(path, paths) });
}

function documentOf(container: Container, volumes: readonly string[]): Omit<CheckpointDocument, "version"> {
  const { name, names, image, commandLine } = container;
  const { manifest } = writtenSnapshot("export", name, container);
  const { flags = [], words = [] } = commandLine ?? {};
  const { hostname } = names;
  return { name, hostname, image: { text: image.text, manifest }, commandLine: { flags, words }, volumes };
}

function bytesEntry(path: string, content: Buffer): TarEntry {
  return { kind: "file", path, mode: 0o600, size: content.length, content: () => [content] };
}

function fileEntry(path: string, source: string): TarEntry {
  const stat = statSync(source);
  if (!stat.isFile()) throw new OrlopError("unsupported", `Cannot export "${source}": it is no plain file`);
  // Small ones without a stream each: there are dozens.
  if (stat.size <= SMALL_BYTES) return bytesEntry(path, readFileSync(source));
  const content = (): AsyncIterable<Buffer> => createReadStream(source);
  return { kind: "file", path, mode: 0o600, size: stat.size, content };
}

const SMALL_BYTES = 64 * 1024;
