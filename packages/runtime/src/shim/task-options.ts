import { readFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { Codec } from "@orlop/core/protobuf";

/** containerd, api/types/runc/options/oci.proto: what clients that know no other runtime send. */
const RUNC = new Codec({
  Options: {
    noPivotRoot: [1, "bool"],
    noNewKeyring: [2, "bool"],
    shimCgroup: [3, "string"],
    ioUid: [4, "uint32"],
    ioGid: [5, "uint32"],
    binaryName: [6, "string"],
    root: [7, "string"],
    systemdCgroup: [9, "bool"],
    criuImagePath: [10, "string"],
    criuWorkPath: [11, "string"],
  },
  CheckpointOptions: {
    exit: [1, "bool"],
    openTcp: [2, "bool"],
    externalUnixSockets: [3, "bool"],
    terminal: [4, "bool"],
    fileLocks: [5, "bool"],
    emptyNamespaces: [6, "string[]"],
    cgroupsMode: [7, "string"],
    imagePath: [8, "string"],
    workPath: [9, "string"],
    parentPath: [10, "string"],
  },
  ProcessDetails: { execId: [1, "string"] },
} as const);

/** containerd, api/types/runtimeoptions/v1: what Kubernetes' configuration sends for any runtime. */
const ANY_RUNTIME = new Codec({
  Options: { typeUrl: [1, "string"], configPath: [2, "string"], configBody: [3, "bytes"] },
} as const);

interface Any {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** Who makes the cgroups of a container. */
export type TaskCgroupDriver = "cgroupfs" | "systemd";

/** Reads the options of `Create`. Throws `unsupported` for the first that is given and is not done yet. */
export function taskCgroupDriver(options: Any | undefined): TaskCgroupDriver {
  const { systemdCgroup = false, ...others } = decodeOptions(options);
  const [name] = Object.entries(others).find(([, value]) => isGiven(value)) ?? [];
  if (name !== undefined) throw unsupported(name);
  return systemdCgroup ? "systemd" : "cgroupfs";
}

interface CreateOptions {
  readonly systemdCgroup?: boolean | undefined;
}

function decodeOptions(options: Any | undefined): CreateOptions {
  const type = nameOf(options);
  if (options === undefined || type === "") return {};
  if (type === "containerd.runc.v1.Options") return RUNC.decode("Options", options.value);
  if (type !== "runtimeoptions.v1.Options") {
    throw new OrlopError("unsupported", `Cannot use options of type "${type}": they are another runtime's`);
  }
  const { configPath, configBody } = ANY_RUNTIME.decode("Options", options.value);
  // As containerd has it: it sends the text of its own configuration where that names no file.
  if (configPath === "") return parseConfig(Buffer.from(configBody).toString());
  return parseConfig(readConfigFile(configPath));
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new OrlopError("invalid", `Cannot read options from "${path}": ${code}`, {
      field: "options.configPath",
      cause: error,
    });
  }
}

/** Options as TOML: there is one, which is on or off. */
function parseConfig(text: string): CreateOptions {
  let systemdCgroup: boolean | undefined;
  for (const line of text.split("\n").map((each) => each.replace(/#.*$/, "").trim())) {
    if (line === "") continue;
    const [, name = line, value = ""] = /^"?(\w+)"?\s*=\s*(.*)$/.exec(line) ?? [];
    if (name !== "SystemdCgroup") throw unsupported(name);
    if (systemdCgroup !== undefined || (value !== "true" && value !== "false")) {
      throw new OrlopError("invalid", `Cannot read option "${name}": expected one value, true or false`, {
        field: `options.${name}`,
      });
    }
    systemdCgroup = value === "true";
  }
  return { systemdCgroup };
}

/** Reads the options of `Checkpoint`; throws `unsupported` for all but what says whether the container is to end. */
export function checkpointExits(options: Any | undefined): boolean {
  const type = nameOf(options);
  if (options === undefined || type === "") return false;
  if (type !== "containerd.runc.v1.CheckpointOptions") {
    throw new OrlopError("unsupported", `Cannot use options of type "${type}": they are another runtime's`);
  }
  const { exit, ...others } = RUNC.decode("CheckpointOptions", options.value);
  const [name] = Object.entries(others).find(([, value]) => isGiven(value)) ?? [];
  if (name !== undefined) throw unsupported(name);
  return exit;
}

/** What is told of a process that is an exec. */
export function processDetails(execId: string): Any {
  return { typeUrl: "containerd.runc.v1.ProcessDetails", value: RUNC.encode("ProcessDetails", { execId }) };
}

function nameOf(options: Any | undefined): string {
  return options?.typeUrl.slice(options.typeUrl.lastIndexOf("/") + 1) ?? "";
}

function isGiven(value: unknown): boolean {
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length > 0;
  return value !== "" && value !== false && value !== 0;
}

function unsupported(name: string): OrlopError {
  return new OrlopError("unsupported", `Cannot use option "${name}": it is not done yet`, { field: `options.${name}` });
}
