import { isAbsolute, resolve } from "node:path";
import { OrlopError, parseName } from "@orlop/core";
import { invalid, parseDestination, type RequestedMount } from "./requested-mount.ts";
import type { SecurityModules } from "./security-options.ts";

const PROPAGATIONS: ReadonlySet<string> = new Set(["shared", "rshared", "slave", "rslave", "private", "rprivate"]);

/** Flags of mount(2) for what is mounted; without them a bind has those of its source. */
const FLAGS: ReadonlySet<string> = new Set(["nosuid", "suid", "nodev", "dev", "noexec", "exec"]);

/** Options of docker's and podman's `-v` that are refused, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  idmap: "root's containers have no user namespace to map ids for",
  upperdir: "what is written over it stays in memory",
  workdir: "what is written over it stays in memory",
  cached: "it is about file sharing with a virtual machine",
  delegated: "it is about file sharing with a virtual machine",
  consistent: "it is about file sharing with a virtual machine",
};

/**
 * `HOST:CONTAINER[:OPTIONS]`, `VOLUME:CONTAINER[:OPTIONS]` or `CONTAINER` as docker's `-v`. Of a directory of the host everything mounted below the host's directory comes along; `ro` makes
 * all of it read-only. A relative host path begins with a dot and starts from `cwd`.
 *
 * @throws OrlopError
 */
export function parseVolume(
  text: string,
  cwd: string,
  { selinux }: Pick<SecurityModules, "selinux"> = { selinux: false },
): RequestedMount {
  const [source = "", destination, options, ...more] = text.split(":");
  if (more.length > 0) throw invalid(`invalid volume specification: '${text}'`);
  if (destination === undefined) return volumeMount(undefined, text, { readonly: false, copies: true });
  if (source === "" || destination === "") throw invalid(`invalid spec: :${destination}: empty section between colons`);
  const parsed = parseOptions(options ?? "", selinux);
  if (!isAbsolute(source) && !source.startsWith(".")) return volumeMount(parseName(source), destination, parsed);
  const { readonly, propagation, copies, flags, discards, isGiven } = parsed;
  if (!copies) throw invalid(`invalid mode: ${options}: nocopy is about volumes`);
  return {
    mount: {
      destination: parseDestination(destination),
      type: "bind",
      source: resolve(cwd, source),
      options: ["rbind", ...(readonly ? ["rro"] : []), ...flags, propagation],
    },
    ...(isGiven ? { isGiven } : {}),
    // What is given is there.
    ...(discards ? { discards } : isGiven ? {} : { createSource: true }),
  };
}

interface VolumeModes {
  readonly readonly: boolean;
  readonly copies: boolean;
  /** Of mount(2), by their names in mount(8). */
  readonly flags?: readonly string[];
  /** What is written there goes with the container. */
  readonly discards?: boolean;
  /** Its files are given to the container's user. */
  readonly isGiven?: boolean;
}

/** @param name absent: one for this container alone */
export function volumeMount(
  name: string | undefined,
  destination: string,
  { readonly, copies, flags = [], discards = false, isGiven = false }: VolumeModes,
): RequestedMount {
  const options = ["rbind", ...(readonly ? ["rro"] : []), ...flags, "rprivate"];
  return {
    mount: { destination: parseDestination(destination), type: "bind", options },
    volume: { name, copies },
    ...(discards ? { discards } : {}),
    ...(isGiven ? { isGiven } : {}),
  };
}

interface ParsedOptions extends Required<VolumeModes> {
  readonly propagation: string;
}

function parseOptions(text: string, selinux: boolean): ParsedOptions {
  let mode: string | undefined;
  let propagation: string | undefined;
  let copies = true;
  let discards = false;
  let isGiven = false;
  const flags: string[] = [];
  for (const option of text.split(",").filter((each) => each !== "")) {
    const name = option.replace(/=.*/s, "");
    if (option === "nocopy") copies = false;
    else if (option === "O") discards = true;
    else if (option === "U") isGiven = true;
    else if (FLAGS.has(option)) flags.push(option);
    else if (option === "z" || option === "Z") refuseLabel(option, selinux);
    else if (Object.hasOwn(REFUSED, name)) {
      throw new OrlopError("unsupported", `Cannot use volume option "${name}": ${REFUSED[name]}`);
    } else if (option === "ro" || option === "rw") {
      if (mode !== undefined) throw invalid(`invalid mode: ${text}`);
      mode = option;
    } else if (PROPAGATIONS.has(option) && propagation === undefined) propagation = option;
    else throw invalid(`invalid mode: ${text}`);
  }
  if (discards && mode === "ro") throw invalid(`invalid mode: ${text}: with O it can be written to`);
  if (discards && isGiven) throw invalid(`invalid mode: ${text}: with O its files stay as they are`);
  return { readonly: mode === "ro", copies, flags, discards, isGiven, propagation: propagation ?? "rprivate" };
}

/** Files have no labels where SELinux is off, and nothing is to be changed then. */
function refuseLabel(option: string, selinux: boolean): void {
  if (!selinux) return;
  throw new OrlopError("unsupported", `Cannot use volume option "${option}": SELinux labels are not changed`);
}
