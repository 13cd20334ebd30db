import { createWriteStream, readFileSync, rmSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import type { HeldRoot } from "@orlop/engine";
import { type TarEntry, writeTar } from "@orlop/image";
import { XattrReader } from "@orlop/snapshot";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand, oneContainer } from "../containers/container-verb.ts";
import { parseMountTable } from "../image/mount-table.ts";
import { treeEntries } from "./tree-entries.ts";
import { writeOut } from "./write-out.ts";

export const exportCommand: Command = containerCommand(
  {
    name: "export",
    usage: "[OPTIONS] CONTAINER",
    description:
      "Writes the root file system of a container as a tar archive, whether or not it runs. What is mounted in it is left out: " +
      "there are empty directories and files.",
    examples: [["orlop export web | orlop import - web:flat", "an image of one layer"]],
    table: {
      flags: [{ name: "output", short: "o", value: "FILE", help: "Write to a file, instead of standard output" }],
      flagsAnywhere: true,
    },
  },
  exportContainer,
);

async function exportContainer({ engine, flags, machine }: ContainerCall): Promise<number> {
  const output = flags.text("output");
  const name = oneContainer(flags);
  if (output === undefined && caller().isTerminal(1)) {
    throw new OrlopError("invalid", "cowardly refusing to save to a terminal. Use the -o flag or redirect");
  }
  const container = await engine.find(name);
  if (container.root.kind === "host") {
    throw new OrlopError("unsupported", `Cannot export container "${name}": its files are this machine's own`);
  }
  await engine.withRoot(container.id, async (held) => {
    const archive = writeTar(rootEntries(held, machine.rootless));
    if (output === undefined) await writeOut(archive);
    else await writeFile(archive, output);
  });
  engine.tell(container, "export");
  return 0;
}

/** All that is in it, with extended attributes. */
async function* rootEntries(held: HeldRoot, rootless: boolean): AsyncGenerator<TarEntry> {
  using root = new RootDirectory(held.path);
  using top = root.open();
  const options = { name: "", ownIsRoot: rootless, covered: mountedPaths(held.pid) };
  const paths: string[] = [];
  for await (const { path } of treeEntries(top, "", options)) if (!options.covered.has(path)) paths.push(path);
  using reader = new XattrReader();
  const xattrs = await reader.read(`/proc/${held.pid}/root`, paths);
  yield* treeEntries(top, "", { ...options, xattrs });
}

/** Relative to its root, which is not told of. */
function mountedPaths(pid: number): ReadonlySet<string> {
  const mounts = parseMountTable(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
  return new Set(mounts.flatMap(({ path }) => (path === "/" ? [] : [path.slice(1)])));
}

/** On a failure no half of an archive is left. */
async function writeFile(archive: AsyncIterable<Buffer>, path: string): Promise<void> {
  const file = createWriteStream(path);
  try {
    await writeOut(archive, file);
  } catch (error) {
    file.destroy();
    rmSync(path, { force: true });
    throw error;
  }
}
