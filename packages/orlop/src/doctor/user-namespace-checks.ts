import type { DoctorHost } from "./doctor-host.ts";
import { type Finding, failure, ok, warning } from "./finding.ts";

/** linux/capability.h. */
const CAP_SYS_ADMIN = 21;

const WHY = "an ordinary user's container lives in a user namespace";

/** Who may make containers: root with its powers, ordinary users through user namespaces. */
export function userNamespaceChecks(host: DoctorHost): readonly Finding[] {
  return [...(host.uid === 0 ? [rootCheck(host)] : []), namespaceCheck(host), subordinateIdCheck(host)];
}

function rootCheck(host: DoctorHost): Finding {
  const [, effective = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(host.readText("/proc/self/status") ?? "") ?? [];
  if ((BigInt(`0x${effective}`) >> BigInt(CAP_SYS_ADMIN)) & 1n) return ok("root", "may make namespaces and mounts");
  return failure(
    "root",
    "without CAP_SYS_ADMIN: this is the root of a container",
    "making namespaces and mounts needs it",
    "the outer container with --privileged or --cap-add SYS_ADMIN, or orlop as an ordinary user",
  );
}

function namespaceCheck(host: DoctorHost): Finding {
  // Root does without; for everybody else there is no other way.
  const lack = host.uid === 0 ? warning : failure;
  const name = "user namespaces";
  if (!host.exists("/proc/self/ns/user")) {
    return lack(name, "not in this kernel", WHY, "a kernel with CONFIG_USER_NS");
  }
  for (const { path, forbids, found, fix } of SWITCHES) {
    const value = host.readText(path)?.trim();
    if (value !== undefined && forbids(value)) return lack(name, found, WHY, fix);
  }
  return ok(name, "ordinary users may make them");
}

const SWITCHES: readonly {
  readonly path: string;
  readonly forbids: (value: string) => boolean;
  readonly found: string;
  readonly fix: string;
}[] = [
  {
    path: "/proc/sys/user/max_user_namespaces",
    forbids: (value) => value === "0",
    found: "switched off by user.max_user_namespaces",
    fix: "sudo sysctl -w user.max_user_namespaces=15000",
  },
  {
    path: "/proc/sys/kernel/unprivileged_userns_clone",
    forbids: (value) => value === "0",
    found: "for root only, by kernel.unprivileged_userns_clone",
    fix: "sudo sysctl -w kernel.unprivileged_userns_clone=1",
  },
  {
    path: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    forbids: (value) => value !== "0",
    found: "without powers for ordinary users, by AppArmor (kernel.apparmor_restrict_unprivileged_userns)",
    fix: "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
  },
];

function subordinateIdCheck(host: DoctorHost): Finding {
  const name = "subordinate ids";
  if (host.findProgram("newuidmap") !== undefined && host.findProgram("newgidmap") !== undefined) {
    return ok(name, "newuidmap and newgidmap");
  }
  return warning(
    name,
    "no newuidmap and newgidmap",
    "an ordinary user's container has one user and one group then, even where /etc/subuid grants more",
    "sudo apt-get install uidmap",
  );
}
