import type { ProcessSpec } from "../bundle.ts";
import type { Call } from "../call.ts";
import { goesByCrun } from "../goes-by-crun.ts";

/** The directory, in the container's own one, that is shown inside for sd_notify(3), and the socket in it. */
export const NOTIFY_DIRECTORY = "notify";
export const NOTIFY_SOCKET = "notify.sock";

/** Where the container finds it: runc's place, which images know. */
const DIRECTORY_INSIDE = "/run/notify";

/** crun puts the directory where the service manager's socket is on the host, if that is a path. */
function directoryInside(call: Pick<Call, "name" | "env">): string {
  const { NOTIFY_SOCKET: manager = "" } = call.env;
  return goesByCrun(call) && manager.startsWith("/") ? manager : DIRECTORY_INSIDE;
}

/**
 * Gives the container a socket of its own for sd_notify(3). It cannot be the service manager's: that one believes only
 * processes of the service, by their process id, and it would let the container say anything in the service's name.
 *
 * @param source the directory as the host sees it
 */
export function withNotifyMount(call: Pick<Call, "name" | "env">, spec: ProcessSpec, source: string): ProcessSpec {
  const { process } = spec;
  const destination = directoryInside(call);
  return {
    ...spec,
    process: { ...process, env: [...(process.env ?? []), `NOTIFY_SOCKET=${destination}/${NOTIFY_SOCKET}`] },
    mounts: [...(spec.mounts ?? []), { destination, source, options: ["bind", "nosuid", "noexec", "nodev", "ro"] }],
  };
}
