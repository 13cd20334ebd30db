import { type ErofsLayerFiles, OrlopError, type OverlayLayer, type OverlayWrites } from "@orlop/core";
import { emitAttach, emitNewFileSystem, type NewFileSystem, octal, parseMountOptions, type Slot } from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";
import { emitAttachInSight, emitDropScratch, emitOutOfSight, emitScratch } from "./scratch-memory.ts";

const NO_OPTIONS = parseMountOptions([], undefined, "root");

/** The kernel would only say that it may not. */
export function checkLayers(layers: readonly OverlayLayer[], withinUserNamespace: boolean): void {
  const image = layers.find((layer) => typeof layer !== "string");
  if (image === undefined || !withinUserNamespace) return;
  const what =
    "the kernel mounts EROFS only for root of the machine, not in a user namespace\nTry the snapshotter overlay.";
  throw new OrlopError("unsupported", `Cannot use layer "${layerPath(image)}": ${what}`, { field: "root.path" });
}

/** `c.root` = the layers, lowest last, with what is written over them; `attach` gives it its place. */
export function emitOverlayRoot(
  c: Compilation,
  lower: readonly OverlayLayer[],
  writes: OverlayWrites,
  attach: (mount: Slot) => void,
): void {
  const { p } = c;
  const discard = writes === "discard";
  const [only] = lower;
  if (!discard && lower.length === 1 && only !== undefined && typeof only !== "string") {
    const { upper, work } = writes;
    if (!needsLinks([upper, work])) {
      emitImageRoot(c, only, writes, attach);
      return;
    }
  }
  const { upper, work, volatile = false } = discard ? { upper: "upper", work: "work" } : writes;
  const hasImages = lower.some((layer) => typeof layer !== "string");
  const needsScratch = discard || hasImages || needsLinks(lower.map(layerPath)) || needsLinks([upper, work]);
  if (needsScratch) emitScratch(c);
  if (discard) {
    for (const name of [upper, work]) p.call("mkdirat", [p.flags("AT_FDCWD"), p.text(name), octal(p, 0o755)]);
  }
  const directories = lower.map((layer, index) => (typeof layer === "string" ? layer : emitImage(c, layer, index)));
  p.step({ action: `overlay "${lower.map(layerPath).join(":")}"`, field: "root.path" });
  const layers = hasImages ? directories : emitLayers(c, directories, "lower");
  const [to = upper, by = work] = discard ? [] : emitLayers(c, [upper, work], "written");
  emitNewFileSystem(
    p,
    overlay(c, { lower: layers, upper: to, work: by, oneByOne: hasImages, volatile, keeps: !discard }),
    c.root,
  );
  if (needsScratch) emitDropScratch(c);
  attach(c.root);
}

/** Where a layer lies on the host. */
export function layerPath(layer: OverlayLayer): string {
  return typeof layer === "string" ? layer : layer.erofs;
}

/** The same of one image: it needs no scratch memory to lie in, as the overlay can be told of it as the working directory. */
function emitImageRoot(
  c: Compilation,
  image: ErofsLayerFiles,
  { upper, work, volatile = false }: Exclude<OverlayWrites, "discard">,
  attach: (mount: Slot) => void,
): void {
  const { p } = c;
  const mount = p.slot("image");
  emitNewImage(c, image, mount);
  emitAttachInSight(c, mount);
  p.call("fchdir", [mount]);
  p.call("close", [mount]);
  p.step({ action: `overlay "${image.erofs}"`, field: "root.path" });
  emitNewFileSystem(p, overlay(c, { lower: ["."], upper, work, oneByOne: true, volatile, keeps: true }), c.root);
  // As with scratch memory, it must not be there at the pivot.
  p.step({ action: "take the image out of sight", why: "the overlay keeps what it needs of it" });
  emitOutOfSight(c);
  attach(c.root);
}

export function emitNewImage(
  { p }: Pick<Compilation, "p">,
  { erofs: path, device }: ErofsLayerFiles,
  into: Slot,
): void {
  p.step({ action: `mount image "${path}"`, field: "root.path", why: "from its file, without a block device" });
  const data = device === undefined ? [] : [["device", device] as const];
  emitNewFileSystem(p, { type: "erofs", source: path, options: { ...NO_OPTIONS, data } }, into);
}

/** Mounts an image in the scratch memory; gives its name there. */
function emitImage(c: Compilation, layer: ErofsLayerFiles, index: number): string {
  const { p } = c;
  const name = `image${index}`;
  const image = p.slot("image");
  const place = p.slot("image_place");
  emitNewImage(c, layer, image);
  p.call("mkdirat", [p.flags("AT_FDCWD"), p.text(name), octal(p, 0o700)]);
  const flags = p.flags("O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(name), flags, 0], { into: place });
  emitAttach(p, image, place);
  p.call("close", [image]);
  p.call("close", [place]);
  return name;
}

/** fsconfig(2) takes strings of so many bytes; before Linux 6.5 overlay's took no comma, however it was written. */
const PARAMETER_MAX_BYTES = 255;

/** Whether overlay's options would take these paths for something else, or not at all. */
function needsLinks(paths: readonly string[]): boolean {
  return paths.some((path) => /[:,\\]/.test(path)) || Buffer.byteLength(paths.join(":")) > PARAMETER_MAX_BYTES;
}

/** Names for directories in options of overlay: their paths or, where these will not do, links in the scratch memory. */
export function emitLayers({ p }: Compilation, paths: readonly string[], name: string): readonly string[] {
  if (!needsLinks(paths)) return paths;
  return paths.map((path, index) => {
    const link = `${name}${index}`;
    p.call("symlinkat", [p.text(path), p.flags("AT_FDCWD"), p.text(link)]);
    return link;
  });
}

interface OverlayPlaces {
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  /** For Linux 6.8 or later: there can be 500 layers then, and names are taken as they are. */
  readonly oneByOne?: boolean;
  /** Linux 5.10. */
  readonly volatile?: boolean;
  /** Somebody reads `upper` afterwards. */
  readonly keeps?: boolean;
}

/** Some kernels are built to leave content in a lower layer, and its name there in the upper one, unless told otherwise. */
const WHOLE = [
  ["redirect_dir", "off"],
  ["metacopy", "off"],
] as const;

export function overlay(
  c: Compilation,
  { lower, upper, work, oneByOne = false, volatile = false, keeps = false }: OverlayPlaces,
): NewFileSystem {
  const layers = oneByOne
    ? lower.map((path) => ["lowerdir+", path] as const)
    : [["lowerdir", lower.join(":")] as const];
  const data: (readonly [string, string | undefined])[] = [...layers, ["upperdir", upper], ["workdir", work]];
  if (volatile) data.push(["volatile", undefined]);
  if (c.withinUserNamespace) data.push(["userxattr", undefined]);
  else if (keeps) data.push(...WHOLE);
  return { type: "overlay", source: "overlay", options: { ...NO_OPTIONS, data } };
}
