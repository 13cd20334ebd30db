import { readFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import type { CgroupHierarchy, CgroupLayout, CgroupMode } from "./cgroup-layout.ts";

/** Texts that the layout is read from. */
export interface CgroupTexts {
  /** /proc/self/mountinfo, proc(5). */
  readonly mountinfo: string;
  /** /proc/self/cgroup, cgroups(7). */
  readonly ownCgroups: string;
  /** `cgroup.controllers` below the given mount point of a version 2 hierarchy. */
  readonly controllersAt: (mountPoint: string) => string;
}

/**
 * Reads the layout that this process is in, or another one that sees the same mounts, whose /proc/self/cgroup is given.
 * Throws OrlopError when /proc cannot be read.
 */
export function readCgroupLayout(ownCgroups?: string): CgroupLayout {
  const mountinfo = readFileSync("/proc/self/mountinfo", "utf8");
  const own = ownCgroups ?? readFileSync("/proc/self/cgroup", "utf8");
  if (last?.mountinfo === mountinfo && last.own === own && last.controllers.every(isStillSo)) return last.layout;
  const controllers: ControllersText[] = [];
  const controllersAt = (mountPoint: string): string => {
    const text = readControllers(mountPoint);
    controllers.push({ mountPoint, text });
    return text;
  };
  const layout = parseCgroupLayout({ mountinfo, ownCgroups: own, controllersAt });
  last = { mountinfo, own, controllers, layout };
  return layout;
}

interface ControllersText {
  readonly mountPoint: string;
  readonly text: string;
}

/** What was read last, and what came of it: who makes containers for others reads the same again and again. */
let last:
  | {
      readonly mountinfo: string;
      readonly own: string;
      readonly controllers: readonly ControllersText[];
      readonly layout: CgroupLayout;
    }
  | undefined;

function readControllers(mountPoint: string): string {
  return readFileSync(`${mountPoint}/cgroup.controllers`, "utf8");
}

function isStillSo({ mountPoint, text }: ControllersText): boolean {
  return readControllers(mountPoint) === text;
}

/** Throws OrlopError("invalid") on lines that do not have the documented form. */
export function parseCgroupLayout(texts: CgroupTexts): CgroupLayout {
  const mounts = visibleMounts(lines(texts.mountinfo).map(parseMount));
  const v1: CgroupHierarchy[] = [];
  let v2: CgroupHierarchy | undefined;
  for (const own of lines(texts.ownCgroups).map(parseOwnCgroup)) {
    const mount = bestMount(mounts.filter((candidate) => belongsTo(candidate, own)));
    if (mount === undefined) continue;
    const hierarchy = describeHierarchy(mount, own, texts.controllersAt);
    if (hierarchy.version === 2) v2 = hierarchy;
    else v1.push(hierarchy);
  }
  return { mode: modeOf(v1, v2), v1, v2 };
}

function modeOf(v1: readonly CgroupHierarchy[], v2: CgroupHierarchy | undefined): CgroupMode {
  if (v2 === undefined) return v1.length === 0 ? "none" : "v1";
  return v1.some((hierarchy) => hierarchy.controllers.length > 0) ? "hybrid" : "v2";
}

function describeHierarchy(
  mount: Mount,
  own: OwnCgroup,
  controllersAt: (mountPoint: string) => string,
): CgroupHierarchy {
  const version = mount.fsType === "cgroup2" ? 2 : 1;
  return {
    version,
    controllers: version === 2 ? words(controllersAt(mount.mountPoint)) : own.controllers,
    name: own.name,
    mountPoint: mount.mountPoint,
    mountRoot: mount.root,
    ownPath: own.path,
    ownDirectory: directoryBelow(mount, own.path),
    readOnly: mount.options.has("ro") || mount.superOptions.has("ro"),
    noPrefix: mount.superOptions.has("noprefix"),
  };
}

/** A path that leaves the mount's root, `/../x`, belongs to a process of another cgroup namespace. */
function directoryBelow(mount: Mount, path: string): string | undefined {
  if (path.startsWith("/..")) return undefined;
  const root = mount.root === "/" ? "" : mount.root;
  if (path !== root && !path.startsWith(`${root}/`)) return undefined;
  const below = path.slice(root.length);
  return below === "/" ? mount.mountPoint : mount.mountPoint + below;
}

interface Mount {
  readonly id: string;
  readonly parent: string;
  readonly root: string;
  readonly mountPoint: string;
  readonly options: ReadonlySet<string>;
  readonly fsType: string;
  readonly superOptions: ReadonlySet<string>;
}

/** `31 23 0:28 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu`, proc(5). */
function parseMount(line: string): Mount {
  const [before, after] = line.split(" - ");
  const [id, parent, , root, mountPoint, options] = (before ?? "").split(" ");
  const [fsType, , superOptions] = (after ?? "").split(" ");
  if (
    id === undefined ||
    parent === undefined ||
    root === undefined ||
    mountPoint === undefined ||
    options === undefined
  ) {
    throw malformed("mountinfo", line);
  }
  if (fsType === undefined || superOptions === undefined) throw malformed("mountinfo", line);
  return {
    id,
    parent,
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    options: new Set(options.split(",")),
    fsType,
    superOptions: new Set(superOptions.split(",")),
  };
}

/** The kernel writes space, tab, newline and backslash as `\040`, `\011`, `\012`, `\134`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Drops the mounts that a later one, at the same place or above it, hides. */
function visibleMounts(mounts: readonly Mount[]): Mount[] {
  const byId = new Map(mounts.map((mount) => [mount.id, mount]));
  return mounts.filter(
    (mount, index) =>
      isCgroup(mount) &&
      !mounts
        .slice(index + 1)
        .some((later) => isWithin(mount.mountPoint, later.mountPoint) && !isAncestor(later, mount, byId)),
  );
}

function isCgroup(mount: Mount): boolean {
  return mount.fsType === "cgroup" || mount.fsType === "cgroup2";
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}

function isAncestor(candidate: Mount, mount: Mount, byId: ReadonlyMap<string, Mount>): boolean {
  const seen = new Set<string>();
  for (let at = byId.get(mount.parent); at !== undefined && !seen.has(at.id); at = byId.get(at.parent)) {
    if (at.id === candidate.id) return true;
    seen.add(at.id);
  }
  return false;
}

interface OwnCgroup {
  readonly controllers: readonly string[];
  readonly name: string | undefined;
  readonly path: string;
}

/** `4:cpu,cpuacct:/user.slice`, `1:name=systemd:/`, `0::/` (version 2), cgroups(7). */
function parseOwnCgroup(line: string): OwnCgroup {
  const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
  if (match === null) throw malformed("cgroup", line);
  const parts = (match[1] ?? "").split(",").filter((part) => part !== "");
  return {
    controllers: parts.filter((part) => !part.startsWith("name=")),
    name: parts.find((part) => part.startsWith("name="))?.slice("name=".length),
    path: match[2] ?? "/",
  };
}

function belongsTo(mount: Mount, own: OwnCgroup): boolean {
  if (own.controllers.length === 0 && own.name === undefined) return mount.fsType === "cgroup2";
  if (mount.fsType !== "cgroup") return false;
  const named = own.name === undefined || mount.superOptions.has(`name=${own.name}`);
  return named && own.controllers.every((controller) => mount.superOptions.has(controller));
}

/** The standard place wins over bind mounts elsewhere, the whole hierarchy over a part of it, the first over the rest. */
function bestMount(mounts: readonly Mount[]): Mount | undefined {
  const rank = (mount: Mount) => (isWithin(mount.mountPoint, "/sys/fs/cgroup") ? 0 : 2) + (mount.root === "/" ? 0 : 1);
  return mounts.toSorted((one, other) => rank(one) - rank(other))[0];
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function malformed(file: string, line: string): OrlopError {
  return new OrlopError(
    "invalid",
    `Cannot read /proc/self/${file} line "${line}": it does not have the form of proc(5)`,
    {
      operation: "detect cgroups",
    },
  );
}
