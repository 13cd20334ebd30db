import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import { Database, FileLock } from "@orlop/image";
import { fittingSnapshotter, openSnapshotter, snapshotterName } from "@orlop/snapshot";
import { serveSnapshotter } from "@orlop/snapshot/proxy";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { printText } from "../print.ts";
import { ownDataDirectory } from "../store/data-directory.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { socketPath } from "./socket-path.ts";

export const serveSnapshotterCommand: Command = {
  name: "snapshotter",
  usage: "[OPTIONS]",
  description:
    "Serves a snapshotter of orlop's to containerd, over the protocol of its proxy plugins, until it is ended by a signal. " +
    'In the configuration of containerd it is [proxy_plugins.orlop] with type = "snapshot" and the path of the socket as ' +
    "address. Layers are kept apart from those of orlop's own images, and one directory of them serves one containerd: " +
    "containerd removes all that it does not know. Containers that run need no server.",
  examples: [
    ["orlop serve snapshotter --listen unix:///run/orlop/snapshotter.sock", "and containerd told of it, then"],
    ["ctr image pull --snapshotter orlop docker.io/library/busybox:latest", "layers become EROFS images"],
  ],
  table: {
    flags: [
      { name: "listen", value: "unix://PATH", help: "Where the socket is made, for this user alone" },
      {
        name: "snapshotter",
        value: "NAME",
        help: "Which one: erofs, erofs:tar-index, overlay, blockfile or devmapper:pool=NAME (what fits this machine)",
      },
      { name: "root", value: "DIR", help: "Where layers are kept (served in the directory of orlop's images)" },
    ],
    flagsAnywhere: true,
  },
  failureExitCode: 1,
  async run(flags) {
    if (flags.positional.length > 0) throw new OrlopError("invalid", '"orlop serve snapshotter" takes no arguments');
    const path = flags.parse("listen", socketPath);
    if (path === undefined) throw new OrlopError("invalid", "a socket is needed: --listen unix://PATH");
    const root = resolve(caller().cwd, flags.text("root") ?? join(ownDataDirectory(), "served"));
    const name = flags.text("snapshotter") ?? fittingSnapshotter(root);
    using cancel = new CancelOnSignals();
    await using stack = new AsyncDisposableStack();
    stack.use(openRoot(root));
    makeSocketDirectory(dirname(path));
    const database = stack.use(new Database(join(root, "metadata.db")));
    const directory = join(root, "snapshots", snapshotterName(name));
    const snapshotter = await openSnapshotter(name, { directory, database });
    stack.defer(() => snapshotter.close());
    await snapshotter.cleanup();
    stack.use(
      await serveSnapshotter(snapshotter, { path, mountDirectory: join(root, "mounts", snapshotterName(name)) }),
    );
    printText(`Serving snapshotter "${name}" at unix://${path}\n`);
    if (!cancel.signal.aborted) await once(cancel.signal, "abort");
    return 0;
  },
};

/** `/run` is empty when the machine has started: as containerd does, one makes it oneself. */
function makeSocketDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o711 });
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new OrlopError("failed", `Cannot make directory "${directory}" of the socket: ${problem}`, { cause });
  }
}

/** No two servers use one directory: what one holds the other would let go. */
function openRoot(root: string): Disposable {
  mkdirSync(root, { recursive: true, mode: 0o711 });
  const lock = FileLock.try(join(root, "lock"));
  if (lock === undefined) {
    throw new OrlopError("conflict", `Cannot serve layers of "${root}": another server does\nTry another --root.`);
  }
  return { [Symbol.dispose]: () => lock.remove() };
}
