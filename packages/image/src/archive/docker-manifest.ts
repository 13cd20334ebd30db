import { OrlopError } from "@orlop/core";
import { type ImageFiles, readImageFile } from "../layout/image-files.ts";

export const DOCKER_MANIFEST_FILE = "manifest.json";

/** One image of `manifest.json` (moby, image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format"). */
export interface ArchivedImage {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

/** @throws OrlopError */
export function readDockerManifest(files: ImageFiles): readonly ArchivedImage[] {
  const text = readImageFile(files, DOCKER_MANIFEST_FILE);
  let found: unknown;
  try {
    found = JSON.parse(text.toString());
  } catch (cause) {
    throw refused(files, "is no JSON", cause);
  }
  const images = Array.isArray(found) ? found.map(decodeImage) : [undefined];
  if (!images.includes(undefined)) return images as readonly ArchivedImage[];
  throw refused(files, "is not as docker writes it");
}

function refused({ name }: ImageFiles, problem: string, cause?: unknown): OrlopError {
  return new OrlopError("invalid", `Cannot use image archive "${name}": its manifest.json ${problem}`, { cause });
}

function decodeImage(value: unknown): ArchivedImage | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { Config, RepoTags, Layers } = value as Readonly<Record<string, unknown>>;
  const [names, layers] = [RepoTags ?? [], Layers ?? []];
  if (typeof Config !== "string" || !isTexts(names) || !isTexts(layers)) return undefined;
  return { config: Config, names, layers };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
