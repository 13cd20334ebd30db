import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { RUNTIME_SPEC_VERSION } from "@orlop/core";
import { COMMAND_NAME } from "./call.ts";
import { goesByCrun } from "./goes-by-crun.ts";

/**
 * What `--version` prints. dockerd (since 20.10) takes the words around "version" of the first line and the commit;
 * go-runc, with which containerd asks, the second and third line by their names; podman and CRI-O show all of it. The
 * commit is a word without blanks, and a package is known by its version alone. Under another name, such as a link called
 * runc, it says what it really is on a line of its own, where runc has more lines as well.
 */
export function versionText(name: string): string {
  const version = runtimeVersion();
  const implementation = name === COMMAND_NAME ? "" : `implementation: ${COMMAND_NAME} ${version}\n`;
  const abilities = goesByCrun({ name }) ? `${ABILITIES}\n` : "";
  return `${name} version ${version}\ncommit: v${version}\nspec: ${RUNTIME_SPEC_VERSION}\n${implementation}${abilities}`;
}

/**
 * What crun calls its abilities, as far as there are the same here: systemd's driver and sd_notify(3), AppArmor's profiles,
 * capabilities, seccomp, device filters of version 2 of cgroups, and checkpoints. Whoever asks a crun looks for them.
 */
const ABILITIES = "+SYSTEMD +APPARMOR +CAP +SECCOMP +EBPF +CRIU";

/** The version of this package: in the nearest manifest above, for this file is in src or, bundled, in dist. */
export function runtimeVersion(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, "package.json"))) directory = dirname(directory);
  return (JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { readonly version: string }).version;
}
