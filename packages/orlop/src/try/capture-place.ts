import { accessSync, chmodSync, constants, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KeptWrites, MountedEntry, RootFilesystem } from "@orlop/core";
import { type CapturedPart, makeUpper } from "@orlop/snapshot";
import type { CapturePlan } from "./compose-capture.ts";

/** A plan that has directories for what is written. */
interface PlacedCapture {
  readonly rootfs: RootFilesystem;
  /** `upper` is relative to the directory. */
  readonly parts: readonly CapturedPart[];
}

type PlaceWrites = (below: string) => KeptWrites;

/** Makes the directories for a plan's writes, in one that is there and empty. */
export function placeCapture(plan: CapturePlan, directory: string): PlacedCapture {
  const parts: CapturedPart[] = [];
  const placeWrites = (below: string): KeptWrites => {
    const [upper, work] = ["upper", "work"].map((kind) => `${kind}${parts.length}`) as [string, string];
    makeUpper(join(directory, upper), attributesOf(below));
    mkdirSync(join(directory, work), { mode: 0o700 });
    parts.push({ below, upper });
    return { upper: join(directory, upper), work: join(directory, work) };
  };
  const base = placeBase(plan, directory, placeWrites);
  const given = [...(plan.skeleton ?? []), ...plan.mounted].map(({ path }) => path);
  if (base.kind === "directory") parts.push({ below: "/", upper: BASE, given });
  const entries = plan.mounted.map(
    (entry): MountedEntry => (entry.kind === "bind" ? entry : { ...entry, writes: placeWrites(entry.lower) }),
  );
  return { rootfs: { kind: "tree", base, entries }, parts };
}

type Base = NonNullable<Extract<RootFilesystem, { readonly kind: "tree" }>["base"]>;

const BASE = "root";

function placeBase({ skeleton, mounted }: CapturePlan, directory: string, placeWrites: PlaceWrites): Base {
  if (skeleton === undefined) return { kind: "overlay", lower: ["/"], writes: placeWrites("/") };
  const path = join(directory, BASE);
  mkdirSync(path);
  for (const entry of skeleton) {
    const place = join(path, entry.path);
    if (entry.kind === "symlink") symlinkSync(entry.target, place);
    else mkdirSync(place);
  }
  for (const entry of mounted) {
    const place = join(path, entry.path);
    if (entry.kind === "bind" && entry.file) writeFileSync(place, "", { flag: "wx" });
    else mkdirSync(place);
  }
  // Nothing is made in them any more.
  const directories = skeleton.filter(({ kind }) => kind === "directory").map((entry) => entry.path);
  for (const each of ["", ...directories].toReversed()) chmodSync(join(path, each), attributesOf(`/${each}`).mode);
  return { kind: "directory", path };
}

const MODE_MASK = 0o7777;
const WRITE_BITS = 0o222;

/** What a directory is shown with: an ordinary user owns what stands for it, and may write there only where he may here. */
function attributesOf(path: string): { readonly mode: number; readonly uid: number; readonly gid: number } {
  const { mode, uid, gid } = statSync(path);
  return { mode: mode & MODE_MASK & (isWritable(path) ? MODE_MASK : ~WRITE_BITS), uid, gid };
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
