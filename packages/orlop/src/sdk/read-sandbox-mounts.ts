import { type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import type { MachineView } from "../run/machine-view.ts";
import { parseDestination, type RequestedMount } from "../run/requested-mount.ts";
import { checkOptions, isAbsolutePath, isOneOf, isText, type OptionCheck } from "./check-options.ts";
import { inField, invalid } from "./option-failure.ts";
import type { SandboxMount } from "./sandbox-options.ts";

const CHECKS: Readonly<Record<keyof SandboxMount, OptionCheck>> = {
  from: isText,
  to: isAbsolutePath,
  mode: isOneOf("ro", "rw", "overlay"),
  owner: isOneOf("map"),
};

const BIND_OPTIONS: Readonly<Record<NonNullable<SandboxMount["mode"]>, readonly string[]>> = {
  ro: ["rbind", "rro", "rprivate"],
  rw: ["rbind", "rprivate"],
  overlay: ["bind", "rprivate"],
};

/**
 * The mounts of a sandbox as those of a container.
 *
 * @throws OrlopError `invalid`, `not-found`; `denied` for files of others in an ordinary user's sandbox
 */
export function readSandboxMounts(mounts: readonly SandboxMount[], caller: MachineView): readonly RequestedMount[] {
  const seen = new Set<string>();
  return mounts.map((mount, index) => {
    const field = `mounts[${index}]`;
    checkOptions(`create sandbox: option "${field}"`, mount, CHECKS);
    const { from, to, mode = "ro" } = mount;
    if (from === undefined || to === undefined) throw invalid(field, "it needs both from and to");
    const destination = inField(field, () => parseDestination(to));
    if (seen.has(destination)) throw invalid(field, `there is another mount at ${destination}`);
    seen.add(destination);
    const source = resolve(caller.cwd, from);
    if (mode === "overlay" && !inField(field, () => look(source)).isDirectory()) {
      throw invalid(field, `mode overlay is for directories, and "${source}" is none`);
    }
    return {
      mount: { destination, type: "bind", source, options: BIND_OPTIONS[mode] },
      ...(mode === "overlay" ? { discards: true } : {}),
      ...(mount.owner === undefined ? {} : inField(field, () => mappedOwner(source, caller))),
    };
  });
}

function mappedOwner(source: string, { rootless, uid }: MachineView): Pick<RequestedMount, "owner"> {
  const owner = look(source);
  if (!rootless) return { owner: { uid: owner.uid, gid: owner.gid } };
  // The caller is the one user that there is, and its files are that user's.
  if (owner.uid === uid) return {};
  const what = `it belongs to user ${owner.uid}, and a sandbox of an ordinary user has only files of that user's`;
  throw new OrlopError("denied", `Cannot map owner of "${source}": ${what}\nTry it as root.`);
}

function look(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw systemFailure(`mount "${path}"`, cause);
  }
}
