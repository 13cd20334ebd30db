import { OrlopError } from "@orlop/core";
import { isSystemdRunning, SystemdConnection, systemdAddresses } from "@orlop/kernel";

/** The variables that say where a user's systemd listens, and where the bus of the machine's is. */
export type SystemdEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * A connection to the systemd that makes cgroups: the machine's, or the user's own. Throws an OrlopError with the way out
 * where there is none.
 */
export async function connectSystemd(ofUser: boolean, env: SystemdEnvironment): Promise<SystemdConnection> {
  const addresses = systemdAddresses(ofUser, env, process.geteuid?.() ?? 0);
  try {
    return await SystemdConnection.connect(addresses);
  } catch (error) {
    const { code, message } = error as OrlopError;
    throw new OrlopError(code === "not-found" ? "unsupported" : code, refusal(ofUser, message), {
      operation: "connect to systemd",
      cause: error,
    });
  }
}

function refusal(ofUser: boolean, reason: string): string {
  const what = 'Cannot use cgroup manager "systemd"';
  if (!isSystemdRunning()) return `${what}: this machine runs without systemd (${reason})\nTry cgroupfs.`;
  if (!ofUser) return `${what}: ${reason}\nTry cgroupfs.`;
  return `${what}: the user's own does not answer (${reason})
Try "loginctl enable-linger", or set XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS to where it listens.`;
}
