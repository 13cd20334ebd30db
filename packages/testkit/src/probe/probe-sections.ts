import { PROBE_SECTION_MARK } from "./probe-script.ts";

/** The probe's output cut into its sections: name to lines, empty ones left out. */
export function probeSections(output: string): ReadonlyMap<string, readonly string[]> {
  const sections = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of output.replaceAll("\r\n", "\n").split("\n")) {
    if (line.startsWith(PROBE_SECTION_MARK)) {
      current = [];
      sections.set(line.slice(PROBE_SECTION_MARK.length), current);
    } else if (line !== "") {
      current?.push(line);
    }
  }
  return sections;
}

/** Without what a program complained about, which reaches the same terminal. */
export function pathLines(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line.startsWith("/"));
}

/** The lines of `grep -H` by the file they come from. Paths here have no colon. */
export function linesByFile(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const path = line.slice(0, colon);
    const before = files.get(path);
    if (before === undefined) files.set(path, [line.slice(colon + 1)]);
    else before.push(line.slice(colon + 1));
  }
  return files;
}
