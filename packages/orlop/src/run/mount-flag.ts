import { isAbsolute, resolve } from "node:path";
import { OrlopError, parseName } from "@orlop/core";
import { parseByteSize } from "./byte-size.ts";
import { invalid, parseDestination, type RequestedMount, TMPFS_OPTIONS } from "./requested-mount.ts";
import type { SecurityModules } from "./security-options.ts";
import { volumeMount } from "./volume-flag.ts";

const PROPAGATIONS: ReadonlySet<string> = new Set(["shared", "rshared", "slave", "rslave", "private", "rprivate"]);

/** Other spellings of keys. */
const SYNONYMS: Readonly<Record<string, string>> = {
  src: "source",
  dst: "target",
  destination: "target",
  ro: "readonly",
  size: "tmpfs-size",
  mode: "tmpfs-mode",
  u: "chown",
  "tmpfs-copyup": "tmpcopyup",
};

/** Keys by type; the value of a key in `switches` may be left out. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  bind: [
    ...["type", "source", "target", "readonly", "bind-propagation", "bind-recursive", "bind-nonrecursive"],
    ...["bind-create-src", "relabel", "chown"],
  ],
  tmpfs: ["type", "target", "readonly", "tmpfs-size", "tmpfs-mode", "tmpcopyup", "notmpcopyup"],
  volume: ["type", "source", "target", "readonly", "volume-nocopy", "chown"],
};
const SWITCHES: ReadonlySet<string> = new Set([
  ...["readonly", "bind-create-src", "bind-nonrecursive", "volume-nocopy", "tmpcopyup", "notmpcopyup", "chown"],
]);

/** Keys of docker's and podman's that are refused, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  consistency: "it is about file sharing with a virtual machine",
  "volume-driver": "volumes are directories of this machine",
  "volume-opt": "a volume is a directory of this machine, and has no options",
  "volume-label": "make it beforehand, with orlop volume create --label",
  "volume-subpath": "mount all of the volume",
  subpath: "mount all of it",
  idmap: "root's containers have no user namespace to map ids for",
};

/**
 * `type=bind,source=/here,target=/there,readonly`: docker's `--mount`, in the format of one CSV record. A relative
 * source starts from `cwd`.
 *
 * @throws OrlopError
 */
export function parseMount(
  text: string,
  cwd: string,
  { selinux }: Pick<SecurityModules, "selinux"> = { selinux: false },
): RequestedMount {
  const fields = new Map<string, string>();
  for (const field of splitCsv(text)) {
    const equals = field.indexOf("=");
    const written = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const key = Object.hasOwn(SYNONYMS, written) ? (SYNONYMS[written] ?? written) : written;
    if (Object.hasOwn(REFUSED, key)) {
      throw new OrlopError("unsupported", `Cannot use mount option "${key}": ${REFUSED[key]}`);
    }
    if (equals < 0 && !SWITCHES.has(key)) throw invalid(`invalid field '${field}' must be a key=value pair`);
    if (fields.has(key)) throw invalid(`invalid field '${field}': it is there twice`);
    fields.set(key, equals < 0 ? "true" : field.slice(equals + 1));
  }
  const type = fields.get("type") ?? "volume";
  const keys = Object.hasOwn(KEYS, type) ? KEYS[type] : undefined;
  if (keys === undefined)
    throw new OrlopError("unsupported", `Cannot mount type "${type}": there are bind, tmpfs and volume`);
  for (const key of fields.keys()) {
    if (!keys.includes(key)) throw invalid(`unexpected key '${key}' for type ${type}`);
  }
  const target = fields.get("target");
  if (target === undefined || target === "") throw invalid("target is required");
  const destination = parseDestination(target);
  if (fields.has("relabel")) readRelabel(fields.get("relabel") ?? "", selinux);
  if (type === "bind") return bindMount(fields, destination, cwd);
  if (type === "tmpfs") return tmpfsMount(fields, destination);
  const source = fields.get("source");
  return volumeMount(source === undefined || source === "" ? undefined : parseName(source), destination, {
    readonly: switchField(fields, "readonly"),
    copies: !switchField(fields, "volume-nocopy"),
    isGiven: switchField(fields, "chown"),
  });
}

function bindMount(fields: ReadonlyMap<string, string>, destination: string, cwd: string): RequestedMount {
  const source = fields.get("source");
  if (source === undefined || source === "") throw invalid("source is required");
  const propagation = fields.get("bind-propagation") ?? "rprivate";
  if (!PROPAGATIONS.has(propagation)) throw invalid(`invalid bind-propagation '${propagation}'`);
  const readonly = switchField(fields, "readonly");
  const isFlat = switchField(fields, "bind-nonrecursive");
  if (isFlat && fields.has("bind-recursive")) throw invalid("bind-nonrecursive and bind-recursive exclude each other");
  const recursion = isFlat ? "disabled" : (fields.get("bind-recursive") ?? "enabled");
  return {
    mount: {
      destination,
      type: "bind",
      source: isAbsolute(source) ? source : resolve(cwd, source),
      options: [...recursionOptions(recursion, readonly, propagation), propagation],
    },
    createSource: switchField(fields, "bind-create-src"),
    ...(switchField(fields, "chown") ? { isGiven: true } : {}),
  };
}

function recursionOptions(recursion: string, readonly: boolean, propagation: string): readonly string[] {
  switch (recursion) {
    case "enabled":
      return readonly ? ["rbind", "rro"] : ["rbind"];
    case "disabled":
      return readonly ? ["bind", "ro"] : ["bind"];
    case "writable":
      if (!readonly) throw invalid("option 'bind-recursive=writable' requires 'readonly' to be specified");
      return ["rbind", "ro"];
    case "readonly":
      if (!readonly) throw invalid("option 'bind-recursive=readonly' requires 'readonly' to be specified");
      if (propagation !== "rprivate") {
        throw invalid("option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified");
      }
      return ["rbind", "rro"];
    default:
      throw invalid(`invalid value for bind-recursive: ${recursion} (enabled, disabled, writable or readonly)`);
  }
}

function tmpfsMount(fields: ReadonlyMap<string, string>, destination: string): RequestedMount {
  const size = fields.get("tmpfs-size");
  const mode = fields.get("tmpfs-mode");
  if (mode !== undefined && !/^[0-7]{1,4}$/.test(mode)) throw invalid(`invalid value for tmpfs-mode: ${mode}`);
  const isCopied = switchField(fields, "tmpcopyup");
  if (isCopied && switchField(fields, "notmpcopyup")) throw invalid("tmpcopyup and notmpcopyup exclude each other");
  const options = [
    ...TMPFS_OPTIONS,
    ...(isCopied ? ["tmpcopyup"] : []),
    ...(switchField(fields, "readonly") ? ["ro"] : []),
    ...(size === undefined ? [] : [`size=${parseByteSize(size)}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ];
  return { mount: { destination, type: "tmpfs", source: "tmpfs", options } };
}

/** Files have no labels where SELinux is off, and nothing is to be changed then. */
function readRelabel(value: string, selinux: boolean): void {
  if (value !== "shared" && value !== "private") throw invalid(`invalid value for relabel: ${value}`);
  if (!selinux) return;
  throw new OrlopError("unsupported", 'Cannot use mount option "relabel": SELinux labels are not changed');
}

function switchField(fields: ReadonlyMap<string, string>, key: string): boolean {
  const value = fields.get(key) ?? "false";
  if (["1", "true"].includes(value)) return true;
  if (["0", "false"].includes(value)) return false;
  throw invalid(`invalid value for ${key}: ${value}`);
}

/** One record of RFC 4180: fields between commas, quoted where they hold a comma or a quote (which is doubled). */
function splitCsv(text: string): readonly string[] {
  const fields: string[] = [];
  let rest = `,${text}`;
  while (rest !== "") {
    const match = /^,(?:"((?:[^"]|"")*)"(?=,|$)|([^",]*)(?=,|$))/.exec(rest);
    if (match === null) throw invalid(`invalid mount: '${text}' has a quote at the wrong place`);
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    rest = rest.slice(match[0].length);
  }
  return fields;
}
