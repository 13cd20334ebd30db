import { runCommand } from "../steps/run-command.ts";

/**
 * The lines of a sources.list with which this machine's own apt gets `suite`, its updates and its security fixes:
 * a machine behind a mirror keeps to it. Empty on a machine of another release, or without apt.
 */
export async function debianSources(suite: string): Promise<readonly string[]> {
  const format = "deb $(SITE) $(RELEASE) $(COMPONENT)";
  const { exitCode, output } = await runCommand("apt-get", [
    "indextargets",
    "--format",
    format,
    "Created-By: Packages",
  ]);
  return exitCode === 0 ? sourcesOf(output.split("\n"), suite) : [];
}

/** Of lines `deb <address> <release> <component>`, those of the release and of what belongs to it, each once. */
export function sourcesOf(lines: readonly string[], suite: string): readonly string[] {
  const belongs = (release = ""): boolean => release === suite || release.startsWith(`${suite}-`);
  return [...new Set(lines.filter((line) => line.startsWith("deb ") && belongs(line.split(" ")[2])))];
}
