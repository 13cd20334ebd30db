import type { ProcessSpec } from "./bundle.ts";

/** Where the container finds the directory with its socket, and the socket's name in it: runc's, which images know. */
const DIRECTORY_INSIDE = "/run/notify";
const SOCKET_NAME = "notify.sock";

/** The directory of the container's state that is shown inside for sd_notify(3). */
function notifyDirectory(stateDirectory: string): string {
  return `${stateDirectory}/notify`;
}

/**
 * Gives the container a socket of its own for sd_notify(3). It cannot be the service manager's: that one believes only
 * processes of the service, by their process id, and it would let the container say anything in the service's name.
 */
export function withNotifySocket(spec: ProcessSpec, stateDirectory: string): ProcessSpec {
  const { process } = spec;
  return {
    ...spec,
    process: { ...process, env: [...(process.env ?? []), `NOTIFY_SOCKET=${DIRECTORY_INSIDE}/${SOCKET_NAME}`] },
    mounts: [
      ...(spec.mounts ?? []),
      {
        destination: DIRECTORY_INSIDE,
        source: notifyDirectory(stateDirectory),
        options: ["bind", "nosuid", "noexec", "nodev", "ro"],
      },
    ],
  };
}
