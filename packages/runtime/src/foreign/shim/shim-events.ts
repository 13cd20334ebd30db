import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { socketPathProblem } from "@orlop/kernel";
import { EVENTS_API, TOPIC_OOM } from "../../shim-protocol/events-api.ts";
import { service, TtrpcServer } from "../../ttrpc/ttrpc-server.ts";

/** In the directory of a container. */
const SOCKET = "events";

export function eventsSocket(directory: string): string {
  const path = join(directory, SOCKET);
  const problem = socketPathProblem(path);
  if (problem === undefined) return path;
  throw new OrlopError(
    "invalid",
    `Cannot hear events at "${path}": ${problem}\nTry a state directory with a shorter path.`,
  );
}

/**
 * Hears the events of one shim, for as long as its maker lives. What nobody but the shim knows is kept in the container's
 * directory: that the kernel has killed something for lack of memory.
 */
export async function hearEvents(directory: string): Promise<AsyncDisposable> {
  const path = eventsSocket(directory);
  const events = service(EVENTS_API, {
    Forward: ({ envelope }) => {
      if (envelope?.topic === TOPIC_OOM) writeFileSync(join(directory, "memory"), OOM_NOTE, { mode: 0o600 });
      return {};
    },
  });
  const server = await TtrpcServer.listen([events], { path });
  server.unref();
  return {
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      rmSync(path, { force: true });
    },
  };
}

/** In the words of the kernel's own file, a copy of which our own containers have there. */
const OOM_NOTE = "oom_kill 1\n";

/** In the root directory of a runtime. */
const PUBLISHER = ".publish";

/**
 * Writes the program that shims before containerd 1.4 call for each event, as `<program> --address A publish --topic T
 * --namespace N` with the event on standard input, in the directory of their bundle.
 */
export function writePublisher(root: string): string {
  const path = join(root, PUBLISHER);
  writeFileSync(path, PUBLISHER_SCRIPT, { mode: 0o700 });
  chmodSync(path, 0o700);
  return path;
}

const PUBLISHER_SCRIPT = `#!/bin/sh
cat >/dev/null
case " $* " in
*"${TOPIC_OOM} "*) printf '${OOM_NOTE.trim()}\\n' >../../memory ;;
esac
`;
