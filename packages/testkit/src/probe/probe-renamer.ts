import type { ProbeContext } from "./probe-dump.ts";

/** Replaces what differs between two runs of the same config: the id, paths of the bundle, identities of namespaces. */
export function probeRenamer({ containerId, bundleName, cgroups, namespaces }: ProbeContext): (text: string) => string {
  const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const bundle = new RegExp(`(/[^ ]*)?/${escapePattern(bundleName)}`, "g");
  const withoutCgroups = (text: string): string => {
    for (const [path, name] of cgroups) if (text.startsWith(`${path}/`)) return name + text.slice(path.length);
    return text;
  };
  return (text) =>
    withoutCgroups(text)
      .replace(bundle, "<bundle>")
      .replaceAll(containerId, "<id>")
      .replace(/\b([a-z]+):\[\d+\]/g, (identity, type: string) => `${type} ${namespaces.get(identity) ?? "new"}`);
}
