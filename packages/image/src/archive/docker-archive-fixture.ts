import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Everything in a directory, as an archive beside it. */
export function pack(directory: string, ...flags: readonly string[]): string {
  const archive = `${directory}.tar`;
  execFileSync("tar", [...flags, "-C", directory, "-cf", archive, "."]);
  return archive;
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

export interface DockerArchiveImage {
  readonly names: readonly string[] | null;
  readonly layers: readonly Buffer[];
  /** What stands in the archive in the place of a layer. */
  readonly stored?: (layer: Buffer) => Buffer;
}

/** An archive as docker before 25 wrote it: later images have links to layers that earlier ones have. */
export function dockerArchive(directory: string, images: readonly DockerArchiveImage[]): string {
  mkdirSync(directory);
  const places = new Map<string, string>();
  const manifest = images.map(({ names, layers, stored = (layer) => layer }, index) => {
    const diffIds = layers.map((layer) => `sha256:${sha256(layer)}`);
    const config = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: diffIds }, custom: index };
    const text = Buffer.from(JSON.stringify(config));
    writeFileSync(join(directory, `${sha256(text)}.json`), text);
    const paths = layers.map((layer, position) => {
      const id = `${index}${position}`;
      mkdirSync(join(directory, id));
      const known = places.get(sha256(layer));
      if (known === undefined) writeFileSync(join(directory, id, "layer.tar"), stored(layer));
      else symlinkSync(`../${known}/layer.tar`, join(directory, id, "layer.tar"));
      places.set(sha256(layer), known ?? id);
      return `${id}/layer.tar`;
    });
    return { Config: `${sha256(text)}.json`, RepoTags: names, Layers: paths };
  });
  writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
  return pack(directory);
}
