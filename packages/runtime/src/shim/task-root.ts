import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { type ConstantName, type MountOptions, type ProgramBuilder, parseMountOptions } from "@orlop/kernel";
import type { HookRunner } from "../process/container-hooks.ts";
import { runProgram } from "../process/run-program.ts";

/** A mount as snapshotters of containerd describe it (containerd, api/types/mount.proto). */
export interface TaskMount {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
}

/** Where the root file system of a bundle is mounted. */
function rootDirectory(bundle: string): string {
  return join(bundle, "rootfs");
}

/**
 * Mounts a container's root file system into its bundle, where hooks and tools of containerd's users expect it. What fails
 * leaves nothing.
 *
 * @throws OrlopError `unsupported` for what only containerd's own library makes mounts of
 */
export async function mountRoot(runner: HookRunner, mounts: readonly TaskMount[], bundle: string): Promise<void> {
  if (mounts.length === 0) return;
  const target = rootDirectory(bundle);
  const known = mounts.map(decodeMount);
  mkdirSync(target, { recursive: true, mode: 0o711 });
  try {
    await runProgram(runner.zygote, runner.host.architecture, `mount root file system "${target}"`, (p) => {
      for (const mount of known) emitMount(p, mount, target);
    });
  } catch (error) {
    await unmountRoot(runner, bundle);
    throw error;
  }
}

/** Takes away whatever is mounted there; a bundle that is gone has nothing. */
export async function unmountRoot({ zygote, host }: HookRunner, bundle: string): Promise<void> {
  const target = rootDirectory(bundle);
  await runProgram(zygote, host.architecture, `unmount root file system "${target}"`, (p) => {
    const again = p.label("what is below");
    const done = p.label("nothing is mounted");
    p.mark(again);
    const flags = p.flags("MNT_DETACH|UMOUNT_NOFOLLOW");
    p.call("umount2", [p.text(target), flags], { on: ["EINVAL", "ENOENT", "ENOTDIR"], goto: done });
    p.jump(again);
    p.mark(done);
  });
}

interface DecodedMount extends Pick<TaskMount, "type" | "source"> {
  readonly options: MountOptions;
  readonly index: number;
}

/** Options that no kernel knows: idmapped layers, loop devices, and what mount(8) and containerd keep for themselves. */
const FOREIGN_OPTION = /^(?:uidmap|gidmap|loop|X-|x-)/;

function decodeMount({ type, source, target, options }: TaskMount, index: number): DecodedMount {
  const refuse = (what: string): never => {
    throw new OrlopError("unsupported", `Cannot mount root file system "${source}": ${what}`, {
      field: `rootfs[${index}]`,
    });
  };
  if (target !== "") refuse(`it wants to be mounted below the root, at "${target}"`);
  if (type.includes("/")) refuse(`type "${type}" is one that only containerd makes mounts of`);
  const foreign = options.find((option) => FOREIGN_OPTION.test(option));
  if (foreign !== undefined) refuse(`option "${foreign}" is none of the kernel's`);
  const decoded = parseMountOptions(options, type, `rootfs[${index}].options`);
  if (decoded.propagation !== undefined || decoded.idmap !== "no" || decoded.copyUp || decoded.remount !== "no") {
    refuse(`options "${options.join(",")}" are not those of a root file system`);
  }
  return { type, source, options: decoded, index };
}

const SUPERBLOCK_FLAGS: Readonly<Record<string, ConstantName>> = {
  ro: "MS_RDONLY",
  sync: "MS_SYNCHRONOUS",
  dirsync: "MS_DIRSYNC",
  lazytime: "MS_LAZYTIME",
  mand: "MS_MANDLOCK",
};

function emitMount(p: ProgramBuilder, { type, source, options, index }: DecodedMount, target: string): void {
  const attributes = options.attributes.set.map((name) => name.replace("MOUNT_ATTR_", "MS_"));
  p.step({ action: `mount ${type} "${source}" at "${target}"`, field: `rootfs[${index}]` });
  if (options.bind !== "no") {
    const recursive = options.bind === "recursive" ? "|MS_REC" : "";
    p.call("mount", [p.text(source), p.text(target), 0, p.flags(`MS_BIND${recursive}`), 0]);
    if (attributes.length === 0) return;
    p.call("mount", [0, p.text(target), 0, p.flags(["MS_REMOUNT", "MS_BIND", ...attributes].join("|")), 0]);
    return;
  }
  const flags = [...new Set([...attributes, ...options.superblockFlags.map((flag) => SUPERBLOCK_FLAGS[flag] ?? "0")])];
  const { directory, data } = shortened(options.data);
  // mount(2), not fsconfig(2): that takes 255 bytes at a time, and images have many layers.
  if (directory !== undefined) p.call("chdir", [p.text(directory)]);
  p.call("mount", [p.text(source), p.text(target), p.text(type), p.flags(flags.join("|")), p.text(data)]);
}

/** mount(2) takes a page of options. */
const OPTIONS_MAX_BYTES = 4095;

/**
 * Options for mount(2), with the layers of an overlay named from the directory that they are all in, if that is needed.
 * Throws `exhausted` where that is not enough.
 */
function shortened(data: MountOptions["data"]): { readonly directory: string | undefined; readonly data: string } {
  const whole = optionText(data);
  if (Buffer.byteLength(whole) <= OPTIONS_MAX_BYTES) return { directory: undefined, data: whole };
  const lower = data.find(([key]) => key === "lowerdir")?.[1]?.split(":") ?? [];
  const directory = commonDirectory(lower);
  const short = lower.map((path) => path.slice(directory.length)).join(":");
  const text = optionText(data.map(([key, value]) => [key, key === "lowerdir" ? short : value]));
  if (directory !== "" && Buffer.byteLength(text) <= OPTIONS_MAX_BYTES) return { directory, data: text };
  throw new OrlopError("exhausted", "Cannot mount root file system: its options exceed a page, which mount(2) takes");
}

function optionText(data: MountOptions["data"]): string {
  return data.map(([key, value]) => (value === undefined ? key : `${key}=${value}`)).join(",");
}

/** The longest beginning of all paths that ends with a slash and says something. */
function commonDirectory([first = "", ...others]: readonly string[]): string {
  let directory = first.slice(0, first.lastIndexOf("/") + 1);
  while (directory.length > 1 && !others.every((path) => path.startsWith(directory))) {
    directory = directory.slice(0, directory.lastIndexOf("/", directory.length - 2) + 1);
  }
  return directory.length > 1 ? directory : "";
}
