import type { BenchRow } from "./bench-row.ts";
import type { MachineDescription } from "./describe-machine.ts";
import { rowCells } from "./print-rows.ts";

function markdownRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** Rows of one name stand together; what they measure is said once. */
function meanings(rows: readonly BenchRow[]): readonly string[] {
  const known = new Map(rows.map(({ name, what }) => [name, what]));
  return [...known].map(([name, what]) => `- \`${name}\`: ${what}`);
}

/** The text of docs/benchmarks.md. */
export function benchmarksDocument(rows: readonly BenchRow[], machine: MachineDescription, rounds: number): string {
  const { processor, cores, kernel, memoryGiB, load, versions, date } = machine;
  return `# Benchmarks

Written by \`npm run bench -- --write\`; do not edit. Only the ratios mean something elsewhere: a quiet and a busy hour of
the same machine differ by a factor of two, and both sides of a ratio are measured in turn within the same minutes.

- ${date}, ${rounds} rounds, medians (processor times are means)
- ${processor}, ${cores} cores, ${memoryGiB} GiB of memory, Linux ${kernel}, load ${load.toFixed(1)} before the start
- ${versions.map(([name, version]) => `${name} ${version}`).join(", ")}

${[["", "ours", "peer", "ratio", "goal", ""], ["---", "---:", "---:", "---:", "---", "---"], ...rows.map(rowCells)].map(markdownRow).join("\n")}

## What is measured

${meanings(rows).join("\n")}

## How

- Ours and the peers take turns, forwards in one round and backwards in the next, with a pause of 10 ms between two runs
  in which the kernel finishes what the first one left behind. The first rounds are not counted.
- All runtimes get the same bundle: the default config (six namespaces, seven mounts, masked and read-only paths,
  capabilities, device rules) with the default seccomp profile, on a busybox root file system. Standard input and output
  are /dev/null, the state of each runtime is on tmpfs: where /run is on a disk, the daemon and its commands see another
  /run/orlop.
- "In process" is a call of \`ProcessRuntime\` in a Node process that has made a hundred containers before. Commands are
  started and timed by a process of a hundred kilobytes (a zygote's child), not by Node, whose fork takes milliseconds:
  the time of a command begins right before the fork and ends right after the wait.
- A pull begins with an empty store, on the disk, and ends when the image could be run: every peer is then asked for the
  unpacked layer. The registry (Debian's docker-registry) runs on the same machine and has the images in the kernel's
  memory; its time is not counted. containerd is started for each pull, and its time counts from then on. Images are one
  layer, compressed with gzip at level 6; contents that are made up get two and a half times smaller by that. What has
  been written before is synced to the disk first, so that nobody waits for another's.
- crun refuses a machine with both versions of cgroups; there it runs in a mount namespace where version 2 is not mounted.
- The exit status of \`npm run bench\` says nothing about the goals: this measures, the tests check.
`;
}
