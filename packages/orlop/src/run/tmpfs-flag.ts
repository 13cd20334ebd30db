import { parseByteSize } from "./byte-size.ts";
import { invalid, parseDestination, type RequestedMount, TMPFS_OPTIONS } from "./requested-mount.ts";

/** Options in groups of which the last one given counts. */
const EXCLUSIVE: readonly (readonly string[])[] = [
  ["ro", "rw"],
  ["nosuid", "suid"],
  ["nodev", "dev"],
  ["noexec", "exec"],
  ["noatime", "relatime", "strictatime"],
];
const VALUES =
  /^(?:mode=[0-7]{1,4}|uid=\d{1,10}|gid=\d{1,10}|nr_inodes=\d{1,10}[kmg]?|nr_blocks=\d{1,10}[kmg]?|size=\d{1,2}%)$/i;

/**
 * `DIR[:OPTIONS]`, options as of tmpfs(5) with commas between them; without them nosuid, nodev and noexec hold.
 *
 * @throws OrlopError `invalid`
 */
export function parseTmpfs(text: string): RequestedMount {
  const colon = text.indexOf(":");
  const destination = parseDestination(colon < 0 ? text : text.slice(0, colon));
  const given =
    colon < 0
      ? []
      : text
          .slice(colon + 1)
          .split(",")
          .filter((each) => each !== "");
  let options = [...TMPFS_OPTIONS];
  for (const option of given) {
    const group = EXCLUSIVE.find((words) => words.includes(option));
    if (group !== undefined) options = [...options.filter((each) => !group.includes(each)), option];
    else options.push(valueOption(option, text));
  }
  return { mount: { destination, type: "tmpfs", source: "tmpfs", options } };
}

function valueOption(option: string, text: string): string {
  if (VALUES.test(option)) return option;
  if (option.startsWith("size=")) return `size=${parseByteSize(option.slice("size=".length))}`;
  throw invalid(`invalid tmpfs option '${option}' in '${text}'`);
}
