import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Mount, RuntimeSpec } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { runProgram } from "../pods/namespaces/run-program.ts";

type Context = Pick<EngineContext, "stateDirectory" | "rootless">;
type Described = { readonly id: string; readonly name: string };

/**
 * The config of a container whose /dev/shm others may have, too. Root mounts one of the same size for it; what an ordinary
 * user mounts would be there for nobody else, so that it is a directory in the memory that he has anyway.
 */
export async function ownMemoryAsShared(
  context: Context,
  container: Described,
  spec: RuntimeSpec,
): Promise<RuntimeSpec> {
  const own = spec.mounts?.find(isOwnMemory);
  if (own === undefined) return spec;
  // Of a start that was cut off.
  await releaseSharedMemory(context, container);
  const path = place(context, container.id);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const size = own.options?.find((option) => option.startsWith("size=")) ?? "size=65536k";
  if (!context.rootless) {
    await runProgram(`mount memory to share of container "${container.name}"`, (p) => {
      const flags = p.flags("MS_NOSUID|MS_NODEV|MS_NOEXEC");
      p.call("mount", [p.text("shm"), p.text(path), p.text("tmpfs"), flags, p.text(`mode=1777,${size}`)]);
    });
  }
  return withSharedMemory(spec, path);
}

/** Where the memory is that a container shares; undefined for one that shares none. */
export function sharedMemoryOf(context: Context, id: string): string | undefined {
  const path = place(context, id);
  return existsSync(path) ? path : undefined;
}

/** The config with this directory for /dev/shm, unless somebody has asked for something else there. */
export function withSharedMemory(spec: RuntimeSpec, path: string): RuntimeSpec {
  const options = ["bind", "nosuid", "nodev", "noexec", "rprivate"];
  const mounts = (spec.mounts ?? []).map((mount) =>
    isOwnMemory(mount) ? { ...mount, type: "bind", source: path, options } : mount,
  );
  return { ...spec, mounts };
}

/** Lets go of what a container has shared; those that have it keep it. What is not there is no error. */
export async function releaseSharedMemory(context: Context, { id, name }: Described): Promise<void> {
  const path = place(context, id);
  if (!existsSync(path)) return;
  if (statSync(path).dev !== statSync(dirname(path)).dev) {
    await runProgram(`unmount shared memory of container "${name}"`, (p) => {
      p.call("umount2", [p.text(path), p.flags("MNT_DETACH")], { ignore: ["EINVAL", "ENOENT"] });
    });
  }
  rmSync(path, { recursive: true, force: true });
}

function place({ stateDirectory }: Pick<Context, "stateDirectory">, id: string): string {
  return join(stateDirectory, "shm", id);
}

/** What every container is given, and nobody has asked for. */
function isOwnMemory({ destination, type, source }: Mount): boolean {
  return destination === "/dev/shm" && type === "tmpfs" && source === "shm";
}
