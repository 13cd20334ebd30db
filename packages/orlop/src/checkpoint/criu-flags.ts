import type { Flag } from "../flags/flag.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";

/** podman's, of a checkpoint and of the restore from it. */
export const CRIU_FLAGS: readonly Flag[] = [
  { name: "tcp-established", help: "Keep TCP connections that are established, instead of failing over them" },
  { name: "file-locks", help: "Keep file locks, instead of failing over them" },
];

export function criuChoices(flags: ParsedFlags): { readonly tcpEstablished: boolean; readonly fileLocks: boolean } {
  return { tcpEstablished: flags.isOn("tcp-established"), fileLocks: flags.isOn("file-locks") };
}
