import { existsSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { type CgroupsMode, parseCgroupsMode } from "../criu/cgroup-roots.ts";
import type { CriuChoices } from "../criu/criu-choices.ts";
import type { Flag } from "./arguments/flag.ts";
import type { GivenArguments } from "./arguments/given-arguments.ts";
import type { Call } from "./call.ts";
import { callPath } from "./call-path.ts";
import { goesByCrun } from "./goes-by-crun.ts";

/** Flags of `checkpoint` and `restore`. */
export const CRIU_FLAGS: readonly Flag[] = [
  { name: "image-path", kind: "text", value: "DIR", help: "Directory of the saved images (./checkpoint)" },
  { name: "work-path", kind: "text", value: "DIR", help: "Directory for criu's working files and logs" },
  { name: "tcp-established", kind: "switch", help: "Keep established TCP connections" },
  { name: "ext-unix-sk", kind: "switch", help: "Allow unix sockets that lead out of the container" },
  { name: "shell-job", kind: "switch", help: "Allow a terminal of the outside" },
  { name: "file-locks", kind: "switch", help: "Keep file locks" },
  {
    name: "manage-cgroups-mode",
    kind: "text",
    value: "MODE",
    help: "soft (as if it were not given), full, strict or ignore",
  },
  {
    name: "empty-ns",
    kind: "list",
    value: "NAMESPACE",
    help: "Leave what is in a namespace out: network, which always is",
  },
  { name: "lazy-pages", kind: "switch", help: "Fetch memory on first use" },
  { name: "auto-dedup", kind: "switch", help: "Store no page twice" },
];

/** runc's, below the working directory. */
const DEFAULT_IMAGES = "checkpoint";

/** crun takes it before runc's. */
const CRUN_CONFIG_FILE = "/etc/criu/crun.conf";

/**
 * @param configFile of CRIU's, that a crun would have it read
 * @throws OrlopError `invalid`, or `unsupported` for a namespace that cannot be left empty
 */
export function decodeCriuFlags(
  call: Pick<Call, "name" | "cwd" | "pid">,
  given: GivenArguments,
  configFile: string = CRUN_CONFIG_FILE,
): CriuChoices {
  const other = given.list("empty-ns").find((name) => name !== "network");
  if (other !== undefined) {
    throw new OrlopError("unsupported", `Cannot leave namespace "${other}" empty: that can only be done to network`);
  }
  const workPath = given.filledText("work-path");
  const mode = given.filledText("manage-cgroups-mode");
  const cgroupsMode: CgroupsMode | undefined = mode === undefined ? undefined : parseCgroupsMode(mode);
  return {
    imagePath: callPath(call, given.filledText("image-path") ?? DEFAULT_IMAGES),
    ...(workPath === undefined ? {} : { workPath: callPath(call, workPath) }),
    ...(cgroupsMode === undefined ? {} : { cgroupsMode }),
    ...(goesByCrun(call) && existsSync(configFile) ? { configFile } : {}),
    tcpEstablished: given.isOn("tcp-established"),
    extUnixSk: given.isOn("ext-unix-sk"),
    shellJob: given.isOn("shell-job"),
    fileLocks: given.isOn("file-locks"),
    lazyPages: given.isOn("lazy-pages"),
    autoDedup: given.isOn("auto-dedup"),
  };
}
