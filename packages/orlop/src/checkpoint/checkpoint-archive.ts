import { type Descriptor, decodeDescriptor, OrlopError } from "@orlop/core";

/**
 * What an archive of a checkpoint holds, as podman's do: `checkpoint/` (the images of criu), `rootfs-diff.tar` (what was
 * written to the root file system, as a layer) and `volumes/NUMBER.tar`; beside them, in front, {@link DOCUMENT}.
 */
export const DOCUMENT: string = "orlop.json";
export const ROOTFS_DIFF: string = "rootfs-diff.tar";
const VERSION = 1;

/** Words and names of a command line have less altogether. */
export const DOCUMENT_MAX_BYTES: number = 4 * 1024 ** 2;

/** A container as far as it has to be made again. */
export interface CheckpointDocument {
  readonly version: typeof VERSION;
  readonly name: string;
  readonly hostname: string;
  /** As it was named, and its manifest. */
  readonly image: { readonly text: string; readonly manifest: Descriptor };
  /** What it was made by. */
  readonly commandLine: { readonly flags: readonly string[]; readonly words: readonly string[] };
  /** Those whose content is there, in the order of their files: places in the container. */
  readonly volumes: readonly string[];
}

/** The path of a file in an archive, below the directory that it is unpacked into; undefined for what no archive of ours has. */
export function checkpointFile(path: string): string | undefined {
  const name = path.replace(/^\.\//, "");
  const isKnown = name === DOCUMENT || name === ROOTFS_DIFF || FILE.test(name);
  return isKnown ? name : undefined;
}

const FILE = /^(checkpoint\/[A-Za-z0-9_][A-Za-z0-9_.+-]{0,200}|volumes\/\d{1,4}\.tar)$/;

export function volumeFile(index: number): string {
  return `volumes/${index}.tar`;
}

export function encodeDocument(document: Omit<CheckpointDocument, "version">): Buffer {
  return Buffer.from(`${JSON.stringify({ version: VERSION, ...document })}\n`);
}

/** @throws OrlopError `invalid`; `unsupported` for that of a newer orlop */
export function decodeDocument(file: string, text: string): CheckpointDocument {
  const failure = (what: string): OrlopError =>
    new OrlopError("invalid", `Cannot restore from "${file}": its ${DOCUMENT} ${what}`);
  const value = parseObject(text);
  if (value === undefined) throw failure("is no JSON object");
  if (value.version !== VERSION) {
    const what = `its ${DOCUMENT} is of version ${JSON.stringify(value.version)}, and ${VERSION} is known here`;
    throw new OrlopError("unsupported", `Cannot restore from "${file}": ${what}`);
  }
  const { name, hostname, image, commandLine, volumes } = value;
  if (!isText(name) || !isText(hostname)) throw failure("has no names");
  if (!isObject(image) || !isText(image.text)) throw failure("has no image");
  if (!isObject(commandLine) || !areTexts(commandLine.flags) || !areTexts(commandLine.words)) {
    throw failure("has no command line");
  }
  if (!areTexts(volumes)) throw failure("has no volumes");
  const manifest = decodeDescriptor(JSON.stringify(image.manifest ?? null));
  const { flags, words } = commandLine;
  return {
    version: VERSION,
    name,
    hostname,
    image: { text: image.text, manifest },
    commandLine: { flags, words },
    volumes,
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}
