import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBusyboxRootfs } from "@orlop/testkit";

/** What the image is called that every client loads. */
export const IMAGE = "example.org/busybox:1";
/** Another one, whose program stays. */
export const SLEEPING_IMAGE = "example.org/sleeping:1";

/** Node's names for the architectures that differ from the image specification's. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64" };

/**
 * Writes an image of busybox as `docker save` does, which every client reads, and returns the archive's path. Its user
 * `somebody` is 1000.
 *
 * @param sleeping has the other one beside it, which buildah does not take
 */
export function writeImageArchive(
  directory: string,
  { sleeping = false }: { readonly sleeping?: boolean } = {},
): string {
  const rootfs = join(directory, "rootfs");
  const image = join(directory, "image");
  makeBusyboxRootfs(rootfs);
  mkdirSync(image);
  const layer = join(image, "layer.tar");
  tar(rootfs, layer);
  const described = (name: string, command: readonly string[]): object => {
    const config = JSON.stringify({
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: "linux",
      created: "2020-01-01T00:00:00Z",
      config: { Env: ["PATH=/bin"], Cmd: command },
      rootfs: { type: "layers", diff_ids: [`sha256:${sha256(readFileSync(layer))}`] },
      history: [{ created: "2020-01-01T00:00:00Z" }],
    });
    const configName = `${sha256(config)}.json`;
    writeFileSync(join(image, configName), config);
    return { Config: configName, RepoTags: [name], Layers: ["layer.tar"] };
  };
  const manifest = [described(IMAGE, ["sh"])];
  if (sleeping) manifest.push(described(SLEEPING_IMAGE, ["sleep", "100000"]));
  writeFileSync(join(image, "manifest.json"), JSON.stringify(manifest));
  const archive = join(directory, "image.tar");
  tar(image, `${archive}.new`);
  renameSync(`${archive}.new`, archive);
  return archive;
}

function tar(directory: string, file: string): void {
  execFileSync("tar", ["--create", "--file", file, "--directory", directory, "--owner=0", "--group=0", "."]);
}

function sha256(content: Buffer | string): string {
  return createHash("sha256").update(content).digest("hex");
}
