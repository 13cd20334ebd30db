import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeRegistriesD, type Lookaside, lookasideAt } from "@orlop/image/verify";
import { systemFailure } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";

interface LookasideOptions {
  /** The first one that is there counts, as with podman: absent: the user's and the machine's. */
  readonly directories?: readonly string[];
}

/**
 * Where this machine, or its user, says that signatures by GPG are (containers-registries.d(5)). Read no sooner than one is
 * looked for.
 */
export function machineLookaside({ directories = ownDirectories() }: LookasideOptions = {}): Lookaside {
  let opened: Promise<Lookaside> | undefined;
  return {
    async signatures(...request) {
      opened ??= open(directories);
      return await (await opened).signatures(...request);
    },
  };
}

function ownDirectories(): readonly string[] {
  return [join(caller().home, ".config/containers/registries.d"), "/etc/containers/registries.d"];
}

/** Where podman keeps them when nobody says otherwise. */
function defaultPlace(): string {
  const isRoot = process.geteuid?.() === 0;
  return `file://${isRoot ? "/var/lib/containers/sigstore" : join(caller().home, ".local/share/containers/sigstore")}`;
}

async function open(directories: readonly string[]): Promise<Lookaside> {
  for (const directory of directories) {
    const names = namesIn(directory);
    if (names === undefined) continue;
    const paths = names.filter((name) => name.endsWith(".yaml")).map((name) => join(directory, name));
    return lookasideAt(await decodeRegistriesD(paths.map(readConfiguration), defaultPlace()));
  }
  return lookasideAt(await decodeRegistriesD([], defaultPlace()));
}

function namesIn(directory: string): readonly string[] | undefined {
  try {
    return readdirSync(directory).sort();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw systemFailure(`read directory "${directory}"`, cause);
  }
}

function readConfiguration(path: string): { readonly name: string; readonly text: string } {
  try {
    return { name: path, text: readFileSync(path, "utf8") };
  } catch (cause) {
    throw systemFailure(`read configuration "${path}"`, cause);
  }
}
