import { binarySize } from "../format/binary-size.ts";
import { isList, type Struct, type Value } from "../format/template/value.ts";

/** Lines by the fields that they tell of, in docker's words. */
const LINES: readonly (readonly [words: string, field: string])[] = [
  ["Containers", "Containers"],
  [" Running", "ContainersRunning"],
  [" Paused", "ContainersPaused"],
  [" Stopped", "ContainersStopped"],
  ["Images", "Images"],
  ["Server Version", "ServerVersion"],
  ["Storage Driver", "Driver"],
  ["Logging Driver", "LoggingDriver"],
  ["Cgroup Driver", "CgroupDriver"],
  ["Cgroup Version", "CgroupVersion"],
  ["Default Runtime", "DefaultRuntime"],
  ["Security Options", "SecurityOptions"],
  ["Kernel Version", "KernelVersion"],
  ["Operating System", "OperatingSystem"],
  ["OSType", "OSType"],
  ["Architecture", "Architecture"],
  ["CPUs", "NCPU"],
  ["Total Memory", "MemTotal"],
  ["Name", "Name"],
  ["Docker Root Dir", "DockerRootDir"],
];

/** The same for people. */
export function infoText(info: Struct): string {
  const lines = LINES.map(([words, field]) => {
    const value = info.get(field) ?? "";
    return `${words}: ${field === "MemTotal" ? binarySize(Number(value)) : plain(value)}\n`;
  });
  const warnings = info.get("Warnings") ?? [];
  return [...lines, ...(isList(warnings) ? warnings.map((warning) => `${String(warning)}\n`) : [])].join("");
}

function plain(value: Value): string {
  return isList(value) ? value.map(String).join(" ") : String(value);
}
