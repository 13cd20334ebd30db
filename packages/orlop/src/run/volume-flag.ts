import { isAbsolute, resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import { invalid, parseDestination, type RequestedMount } from "./requested-mount.ts";

const PROPAGATIONS: ReadonlySet<string> = new Set(["shared", "rshared", "slave", "rslave", "private", "rprivate"]);

/** Options of docker's `-v` that are refused, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  z: "SELinux labels are not changed",
  Z: "SELinux labels are not changed",
  nocopy: "it is about volumes, and there are none yet",
  cached: "it is about file sharing with a virtual machine",
  delegated: "it is about file sharing with a virtual machine",
  consistent: "it is about file sharing with a virtual machine",
};

/**
 * `HOST:CONTAINER[:OPTIONS]` as docker's `-v`: everything mounted below the host's directory comes along; `ro` makes
 * all of it read-only. A relative host path begins with a dot and starts from `cwd`.
 *
 * @throws OrlopError
 */
export function parseVolume(text: string, cwd: string): RequestedMount {
  const [source = "", destination, options, ...more] = text.split(":");
  if (more.length > 0) throw invalid(`invalid volume specification: '${text}'`);
  if (destination === undefined) throw noVolumes(text);
  if (source === "" || destination === "") throw invalid(`invalid spec: :${destination}: empty section between colons`);
  if (!isAbsolute(source) && !source.startsWith(".")) throw noVolumes(source);
  const { readonly, propagation } = parseOptions(options ?? "");
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

function parseOptions(text: string): { readonly readonly: boolean; readonly propagation: string } {
  let mode: string | undefined;
  let propagation: string | undefined;
  for (const option of text.split(",").filter((each) => each !== "")) {
    const reason = Object.hasOwn(REFUSED, option) ? REFUSED[option] : undefined;
    if (reason !== undefined) throw new OrlopError("unsupported", `Cannot use volume option "${option}": ${reason}`);
    const isMode = option === "ro" || option === "rw";
    if (!isMode && !PROPAGATIONS.has(option)) throw invalid(`invalid mode: ${text}`);
    if (isMode ? mode !== undefined : propagation !== undefined) throw invalid(`invalid mode: ${text}`);
    if (isMode) mode = option;
    else propagation = option;
  }
  return { readonly: mode === "ro", propagation: propagation ?? "rprivate" };
}

function noVolumes(name: string): OrlopError {
  return new OrlopError(
    "unsupported",
    `Cannot use volume "${name}": there are no volumes yet\n` +
      "Try a directory of the host: -v /path/here:/path/in/container, or -v ./here:/path/in/container.",
  );
}
