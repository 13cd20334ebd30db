import type { CgroupHierarchy, CgroupLayout } from "@orlop/kernel";
import type { DoctorHost } from "./doctor-host.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** Controllers behind --memory, --cpus, --cpuset-cpus and --pids-limit. */
const CONTROLLERS = ["memory", "cpu", "cpuset", "pids"] as const;
const WHY = "limits such as --memory, --cpus and --pids-limit are refused";

/** Whether limits can be set, for root and for an ordinary user. */
export function cgroupChecks(host: DoctorHost): readonly Finding[] {
  const name = "cgroups";
  let layout: CgroupLayout;
  try {
    layout = host.cgroups();
  } catch (error) {
    return [warning(name, error instanceof Error ? error.message : String(error), WHY)];
  }
  if (layout.mode === "none") {
    return [warning(name, "not mounted", WHY, "sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup")];
  }
  return [controllerCheck(layout), ...(host.uid === 0 ? [writableCheck(layout)] : [delegationCheck(host, layout)])];
}

function controllerCheck(layout: CgroupLayout): Finding {
  const offered = new Set(
    [...layout.v1, ...(layout.v2 === undefined ? [] : [layout.v2])].flatMap((each) => each.controllers),
  );
  const missing = CONTROLLERS.filter((controller) => !offered.has(controller));
  const found = `${MODES[layout.mode]}${missing.length === 0 ? "" : `, without ${missing.join(", ")}`}`;
  if (missing.length === 0) return ok("cgroups", found);
  return warning(
    "cgroups",
    found,
    "the limits of these controllers are refused",
    missing.includes("memory") ? "the kernel's command line with cgroup_enable=memory" : "a kernel that has them",
  );
}

const MODES: Readonly<Record<CgroupLayout["mode"], string>> = {
  v1: "version 1",
  v2: "version 2",
  hybrid: "version 1 with an empty version 2 beside it",
  none: "not mounted",
};

function writableCheck({ v1, v2 }: CgroupLayout): Finding {
  const readOnly = [...v1, ...(v2 === undefined ? [] : [v2])].filter((each) => each.readOnly);
  if (readOnly.length === 0) return ok("limits", "root may set them");
  const places = readOnly.map(({ mountPoint }) => mountPoint).join(", ");
  return warning("limits", `${places} is mounted read-only`, WHY, `mount -o remount,rw ${readOnly[0]?.mountPoint}`);
}

const DELEGATE =
  "sudo mkdir -p /etc/systemd/system/user@.service.d && " +
  "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | " +
  "sudo tee /etc/systemd/system/user@.service.d/delegate.conf && sudo systemctl daemon-reload, then log in again";

function delegationCheck(host: DoctorHost, { mode, v2 }: CgroupLayout): Finding {
  const name = "limits";
  if (mode !== "v2" || v2 === undefined) {
    return warning(
      name,
      "version 1 cannot be delegated to ordinary users",
      WHY,
      "the kernel's command line with systemd.unified_cgroup_hierarchy=1, or orlop as root",
    );
  }
  const manager = managerDirectory(host, v2);
  const own = [v2.ownDirectory, manager].find((directory) => directory !== undefined && host.canWrite(directory));
  if (own === undefined) {
    return warning(
      name,
      `${v2.ownDirectory ?? v2.ownPath} is not this user's`,
      WHY,
      "a systemd of the user's own: log in by ssh or at the console, not by su; or loginctl enable-linger",
    );
  }
  const delegated = (host.readText(`${own}/cgroup.controllers`) ?? "").trim().split(/\s+/);
  const missing = CONTROLLERS.filter((controller) => !delegated.includes(controller));
  if (missing.length === 0)
    return ok(name, `delegated to this user${own === manager ? ", by the user's systemd" : ""}`);
  return warning(name, `${missing.join(", ")} not delegated to this user`, "their limits are refused", DELEGATE);
}

/** What the user's systemd has, where makers of containers are moved to: see enter-own-cgroup.ts. Undefined where none is heard. */
function managerDirectory(
  { uid, systemdSockets, exists }: DoctorHost,
  { mountPoint }: CgroupHierarchy,
): string | undefined {
  return systemdSockets.some(exists) ? `${mountPoint}/user.slice/user-${uid}.slice/user@${uid}.service` : undefined;
}
