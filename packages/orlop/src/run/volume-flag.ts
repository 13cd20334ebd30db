import { isAbsolute, resolve } from "node:path";
import { OrlopError, parseName } from "@orlop/core";
import { invalid, parseDestination, type RequestedMount } from "./requested-mount.ts";

const PROPAGATIONS: ReadonlySet<string> = new Set(["shared", "rshared", "slave", "rslave", "private", "rprivate"]);

/** Options of docker's `-v` that are refused, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  z: "SELinux labels are not changed",
  Z: "SELinux labels are not changed",
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
export function parseVolume(text: string, cwd: string): RequestedMount {
  const [source = "", destination, options, ...more] = text.split(":");
  if (more.length > 0) throw invalid(`invalid volume specification: '${text}'`);
  if (destination === undefined) return volumeMount(undefined, text, { readonly: false, copies: true });
  if (source === "" || destination === "") throw invalid(`invalid spec: :${destination}: empty section between colons`);
  const parsed = parseOptions(options ?? "");
  if (!isAbsolute(source) && !source.startsWith(".")) return volumeMount(parseName(source), destination, parsed);
  const { readonly, propagation, copies } = parsed;
  if (!copies) throw invalid(`invalid mode: ${options}: nocopy is about volumes`);
  return {
    mount: {
      destination: parseDestination(destination),
      type: "bind",
      source: resolve(cwd, source),
      options: ["rbind", ...(readonly ? ["rro"] : []), propagation],
    },
    createSource: true,
  };
}

interface VolumeModes {
  readonly readonly: boolean;
  readonly copies: boolean;
}

/** @param name absent: one for this container alone */
export function volumeMount(
  name: string | undefined,
  destination: string,
  { readonly, copies }: VolumeModes,
): RequestedMount {
  const options = ["rbind", ...(readonly ? ["rro"] : []), "rprivate"];
  return { mount: { destination: parseDestination(destination), type: "bind", options }, volume: { name, copies } };
}

function parseOptions(text: string): VolumeModes & { readonly propagation: string } {
  let mode: string | undefined;
  let propagation: string | undefined;
  let copies = true;
  for (const option of text.split(",").filter((each) => each !== "")) {
    if (option === "nocopy") {
      copies = false;
      continue;
    }
    const reason = Object.hasOwn(REFUSED, option) ? REFUSED[option] : undefined;
    if (reason !== undefined) throw new OrlopError("unsupported", `Cannot use volume option "${option}": ${reason}`);
    const isMode = option === "ro" || option === "rw";
    if (!isMode && !PROPAGATIONS.has(option)) throw invalid(`invalid mode: ${text}`);
    if (isMode ? mode !== undefined : propagation !== undefined) throw invalid(`invalid mode: ${text}`);
    if (isMode) mode = option;
    else propagation = option;
  }
  return { readonly: mode === "ro", copies, propagation: propagation ?? "rprivate" };
}
