import { OrlopError } from "@orlop/core";
import { CONSTANTS, type ConstantName } from "../abi/constants.ts";

/** What one option of a mount does; an option may do several things. */
interface OptionEffect {
  /** mount_setattr(2) attributes that it sets or clears; names without `MOUNT_ATTR_`. */
  readonly set?: string;
  readonly clear?: string;
  /** Applies to every mount below, too. */
  readonly recursive?: true;
  /** Superblock flag: the key given to fsconfig(2) FSCONFIG_SET_FLAG, for new file systems only. */
  readonly superblock?: string;
  /** Takes back such a flag: without it, the option says what the kernel does anyway. */
  readonly withoutSuperblock?: string;
  readonly propagation?: "MS_SHARED" | "MS_SLAVE" | "MS_PRIVATE" | "MS_UNBINDABLE";
  readonly bind?: true;
  readonly copyUp?: true;
  readonly idmap?: true;
  readonly remount?: true;
}

/** Per-mount attributes: each has a plain, a negated and two recursive spellings (runtime-spec, config.md, "Mounts"). */
const ATTRIBUTES = [
  ["ro", "rw", "RDONLY"],
  ["nosuid", "suid", "NOSUID"],
  ["nodev", "dev", "NODEV"],
  ["noexec", "exec", "NOEXEC"],
  ["nosymfollow", "symfollow", "NOSYMFOLLOW"],
  ["nodiratime", "diratime", "NODIRATIME"],
  ["noatime", "atime", "NOATIME"],
  ["strictatime", "nostrictatime", "STRICTATIME"],
  ["relatime", "norelatime", "RELATIME"],
] as const;

const OPTIONS: ReadonlyMap<string, OptionEffect> = new Map<string, OptionEffect>([
  ...ATTRIBUTES.flatMap(([set, clear, name]): [string, OptionEffect][] => [
    [set, { set: name, ...(name === "RDONLY" ? { superblock: "ro" } : {}) }],
    [clear, { clear: name, ...(name === "RDONLY" ? { withoutSuperblock: "ro" } : {}) }],
    [`r${set}`, { set: name, recursive: true }],
    [`r${clear}`, { clear: name, recursive: true }],
  ]),
  ...(["shared", "slave", "private", "unbindable"] as const).flatMap((word): [string, OptionEffect][] => {
    const propagation = `MS_${word.toUpperCase()}` as NonNullable<OptionEffect["propagation"]>;
    return [
      [word, { propagation }],
      [`r${word}`, { propagation, recursive: true }],
    ];
  }),
  ["bind", { bind: true }],
  ["rbind", { bind: true, recursive: true }],
  ["dirsync", { superblock: "dirsync" }],
  ...(
    [
      ["sync", "async"],
      ["lazytime", "nolazytime"],
      ["mand", "nomand"],
    ] as const
  ).flatMap(([flag, opposite]): [string, OptionEffect][] => [
    [flag, { superblock: flag }],
    [opposite, { withoutSuperblock: flag }],
  ]),
  // Of mount(2), which takes them for any file system; fsconfig(2) has no such words, and they change nothing: one is about
  // messages of the kernel, and file systems that count the versions of their inodes do so untold.
  ...["silent", "loud", "iversion", "noiversion"].map((word): [string, OptionEffect] => [word, {}]),
  ["defaults", {}],
  ["remount", { remount: true }],
  ["tmpcopyup", { copyUp: true }],
  ["idmap", { idmap: true }],
  ["ridmap", { idmap: true, recursive: true }],
]);

/** Every option this runtime knows, for `features`. */
export const MOUNT_OPTION_NAMES: readonly string[] = [...OPTIONS.keys()].sort();

/** Attributes to set and to clear, by name; `none` of either is an empty list. */
export interface AttributeChange {
  readonly set: readonly ConstantName[];
  readonly clear: readonly ConstantName[];
}

/** The options of one mount, sorted by what they do. */
export interface MountOptions {
  /** Bind instead of a new file system; "recursive" takes the mounts below along. */
  readonly bind: "no" | "single" | "recursive";
  readonly attributes: AttributeChange;
  readonly recursiveAttributes: AttributeChange;
  readonly propagation: { readonly flag: ConstantName; readonly recursive: boolean } | undefined;
  readonly superblockFlags: readonly string[];
  /** `key=value` and bare words that are the file system's own. */
  readonly data: readonly (readonly [key: string, value: string | undefined])[];
  /** tmpfs: start with a copy of what the mount hides. */
  readonly copyUp: boolean;
  readonly idmap: "no" | "single" | "recursive";
  /** Change what is mounted already; `bind` is "no" then. */
  readonly remount: "no" | "mount" | "mount and file system";
}

/** Sorts `options` of the mount named by `field`; later options win over earlier ones. */
export function parseMountOptions(options: readonly string[], type: string | undefined, field: string): MountOptions {
  const plain = new AttributeSet();
  const recursive = new AttributeSet();
  let bind: MountOptions["bind"] = type === "bind" ? "single" : "no";
  let propagation: MountOptions["propagation"];
  let idmap: MountOptions["idmap"] = "no";
  let copyUp = false;
  let remount = false;
  const superblockFlags = new Set<string>();
  const data: [string, string | undefined][] = [];
  for (const option of options) {
    const effect = OPTIONS.get(option);
    if (effect === undefined) {
      data.push(splitData(option, field));
      continue;
    }
    (effect.recursive ? recursive : plain).apply(effect);
    if (effect.superblock !== undefined) superblockFlags.add(effect.superblock);
    if (effect.withoutSuperblock !== undefined) superblockFlags.delete(effect.withoutSuperblock);
    if (effect.bind) bind = effect.recursive ? "recursive" : "single";
    if (effect.idmap) idmap = effect.recursive ? "recursive" : "single";
    if (effect.copyUp) copyUp = true;
    if (effect.remount) remount = true;
    if (effect.propagation !== undefined) {
      propagation = { flag: effect.propagation, recursive: effect.recursive === true };
    }
  }
  const attributes = plain.change();
  const recursiveAttributes = recursive.change();
  return {
    bind: remount ? "no" : bind,
    attributes,
    recursiveAttributes,
    propagation,
    superblockFlags: [...superblockFlags],
    data,
    copyUp,
    idmap,
    remount: !remount ? "no" : bind === "no" ? "mount and file system" : "mount",
  };
}

function splitData(option: string, field: string): [string, string | undefined] {
  if (option === "") throw new OrlopError("invalid", `Cannot use mount option "": it is empty`, { field });
  const equals = option.indexOf("=");
  return equals < 0 ? [option, undefined] : [option.slice(0, equals), option.slice(equals + 1)];
}

const ACCESS_TIMES: ReadonlySet<string> = new Set(["NOATIME", "STRICTATIME", "RELATIME"]);

class AttributeSet {
  readonly #state = new Map<string, "set" | "clear">();

  apply({ set, clear }: OptionEffect): void {
    if (set !== undefined) {
      // Access-time modes are values of one field.
      if (ACCESS_TIMES.has(set)) for (const mode of ACCESS_TIMES) this.#state.delete(mode);
      this.#state.set(set, "set");
    }
    if (clear !== undefined) this.#state.set(clear, "clear");
  }

  change(): AttributeChange {
    const names = (wanted: "set" | "clear"): ConstantName[] =>
      [...this.#state].filter(([, state]) => state === wanted).map(([name]) => attributeConstant(name));
    return { set: names("set"), clear: names("clear") };
  }
}

function attributeConstant(name: string): ConstantName {
  const constant = `MOUNT_ATTR_${name}`;
  if (!(constant in CONSTANTS)) throw new RangeError(`no constant is called ${constant}`);
  return constant as ConstantName;
}
