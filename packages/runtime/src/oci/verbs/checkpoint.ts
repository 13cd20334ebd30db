import { OrlopError } from "@orlop/core";
import type { Flag } from "../arguments/flag.ts";
import { PROCESS_FLAGS } from "../process-flags.ts";
import type { Verb } from "../verb.ts";

/** What callers pass to either verb. */
const CRIU_FLAGS: readonly Flag[] = [
  { name: "image-path", kind: "text", value: "DIR", help: "Directory of the saved images" },
  { name: "work-path", kind: "text", value: "DIR", help: "Directory for criu's working files and logs" },
  { name: "tcp-established", kind: "switch", help: "Keep established TCP connections" },
  { name: "ext-unix-sk", kind: "switch", help: "Allow unix sockets that lead out of the container" },
  { name: "shell-job", kind: "switch", help: "Allow a terminal of the outside" },
  { name: "file-locks", kind: "switch", help: "Keep file locks" },
  { name: "manage-cgroups-mode", kind: "text", value: "MODE", help: "soft, full, strict or ignore" },
  { name: "empty-ns", kind: "list", value: "NAMESPACE", help: "Leave a namespace's properties out" },
  { name: "lazy-pages", kind: "switch", help: "Fetch memory on first use" },
  { name: "auto-dedup", kind: "switch", help: "Store no page twice" },
];

export const checkpointVerb: Verb = {
  name: "checkpoint",
  usage: "CONTAINER",
  description: "Will save a running container through criu. It is refused until then, whatever the flags.",
  flags: [
    ...CRIU_FLAGS,
    { name: "parent-path", kind: "text", value: "DIR", help: "Images of an earlier --pre-dump" },
    { name: "leave-running", kind: "switch", help: "Let the container go on" },
    { name: "tcp-skip-in-flight", kind: "switch", help: "Leave connections out that are being made" },
    { name: "link-remap", kind: "switch", help: "Link files again that have been removed" },
    { name: "status-fd", kind: "integer", value: "FD", help: "Told when --lazy-pages is ready" },
    { name: "page-server", kind: "text", value: "ADDRESS:PORT", help: "Where to send pages to" },
    { name: "pre-dump", kind: "switch", help: "Only the memory, and let the container go on" },
  ],
  words: [1, 1],
  async run({ given }) {
    throw notThere("checkpoint", given.positional[0] ?? "");
  },
};

export const restoreVerb: Verb = {
  name: "restore",
  usage: "CONTAINER",
  description: "Will go on with a saved container through criu. It is refused until then, whatever the flags.",
  flags: [
    ...CRIU_FLAGS,
    ...PROCESS_FLAGS,
    { name: "bundle", short: "b", kind: "text", value: "DIR", help: "The bundle (the working directory)" },
    { name: "detach", short: "d", kind: "switch", help: "Do not wait for the end" },
    { name: "no-subreaper", kind: "switch", help: "Do not take in orphans of the container" },
    { name: "no-pivot", kind: "switch", help: "Without pivot_root, for a root file system on a ramdisk" },
    { name: "lsm-profile", kind: "text", value: "TYPE:NAME", help: "AppArmor profile or SELinux label" },
    { name: "lsm-mount-context", kind: "text", value: "CONTEXT", help: "SELinux label of mounts" },
  ],
  words: [1, 1],
  async run({ given }) {
    throw notThere("restore", given.positional[0] ?? "");
  },
};

function notThere(verb: string, id: string): OrlopError {
  return new OrlopError("unsupported", `Cannot ${verb} container "${id}": ${verb} is not done yet`);
}
