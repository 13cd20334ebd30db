import type { ProcessSpec } from "./bundle.ts";
import type { Call } from "./call.ts";
import { goesByCrun } from "./goes-by-crun.ts";

/** The first descriptor of sd_listen_fds(3) is 3, so that this many are below the limit of a process. */
const LISTENED_MAX = 1024;

/** How many sockets the caller was started with for socket activation, from descriptor 3 on: sd_listen_fds(3). */
export function listenedDescriptors({ name, env, pid }: Call): number {
  // What was meant for another process is not to be passed on. Where nobody is named, crun takes it as meant for itself.
  const isMeant = env.LISTEN_PID === String(pid) || (env.LISTEN_PID === undefined && goesByCrun({ name }));
  if (!isMeant) return 0;
  const count = /^\d{1,4}$/.test(env.LISTEN_FDS ?? "") ? Number(env.LISTEN_FDS) : 0;
  return count <= LISTENED_MAX ? count : 0;
}

/** Tells the container's program of its sockets; it is process 1, or, without a pid namespace, has to look itself. */
export function withListenedDescriptors(spec: ProcessSpec, count: number): ProcessSpec {
  if (count === 0) return spec;
  const { process } = spec;
  return {
    ...spec,
    process: { ...process, env: [...(process.env ?? []), `LISTEN_FDS=${count}`, "LISTEN_PID=1"] },
  };
}
