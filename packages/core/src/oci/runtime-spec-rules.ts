import { elementPath, FieldFailure, memberPath, show } from "./field-failure.ts";
import type { LinuxNamespace, LinuxNamespaceType } from "./linux.ts";
import type { Mount, RuntimeSpec } from "./runtime-spec.ts";
import { sysctlNamespace, sysctlPath } from "./sysctl.ts";

/** The rules that tie one part of config.json to another and need nothing but the file. */
export function checkRules(spec: RuntimeSpec): void {
  const namespaces = new Map((spec.linux?.namespaces ?? []).map((entry) => [entry.type, entry]));
  needs(namespaces, "uts", "hostname", spec.hostname !== undefined && spec.hostname !== "");
  needs(namespaces, "uts", "domainname", spec.domainname !== undefined && spec.domainname !== "");
  needs(namespaces, "user", "linux.uidMappings", (spec.linux?.uidMappings ?? []).length > 0);
  needs(namespaces, "user", "linux.gidMappings", (spec.linux?.gidMappings ?? []).length > 0);
  needs(namespaces, "network", "linux.netDevices", Object.keys(spec.linux?.netDevices ?? {}).length > 0);
  checkTimeOffsets(spec, namespaces);
  checkSysctls(spec, namespaces);
  for (const [index, mount] of (spec.mounts ?? []).entries()) {
    checkMount(mount, elementPath("mounts", index), namespaces.has("user"));
  }
}

type Namespaces = ReadonlyMap<LinuxNamespaceType, LinuxNamespace>;

function needs(namespaces: Namespaces, type: LinuxNamespaceType, field: string, asked: boolean): void {
  if (!asked || namespaces.has(type)) return;
  throw new FieldFailure(field, `it needs a namespace of type ${type}, and linux.namespaces has none`);
}

/** Offsets can only be written before the first process enters the namespace: time_namespaces(7). */
function checkTimeOffsets(spec: RuntimeSpec, namespaces: Namespaces): void {
  const field = "linux.timeOffsets";
  const asked = Object.keys(spec.linux?.timeOffsets ?? {}).length > 0;
  needs(namespaces, "time", field, asked);
  const path = namespaces.get("time")?.path;
  if (!asked || path === undefined) return;
  throw new FieldFailure(field, `it needs a new time namespace, and the container joins ${show(path)}`);
}

/**
 * A sysctl that is not namespaced would change the host. One of a joined namespace is allowed: a pod's network
 * namespace exists before its first container, which nevertheless carries the pod's sysctls. Whether a joined
 * namespace is the host's own is for the runtime to find out.
 */
function checkSysctls(spec: RuntimeSpec, namespaces: Namespaces): void {
  for (const [name, value] of Object.entries(spec.linux?.sysctl ?? {})) {
    const field = memberPath("linux.sysctl", name);
    const path = sysctlPath(name);
    if (path === undefined) throw new FieldFailure(field, "the name leads out of its directory of /proc/sys");
    if (path === "kernel/hostname") throw new FieldFailure(field, "the field for it is hostname");
    if (path === "kernel/domainname" && (spec.domainname ?? value) !== value) {
      throw new FieldFailure(field, `found ${show(value)}, and domainname is ${show(spec.domainname)}`);
    }
    const type = sysctlNamespace(path);
    if (type === undefined) throw new FieldFailure(field, "it belongs to no namespace, so it would change the host");
    needs(namespaces, type, field, true);
  }
}

function checkMount(mount: Mount, field: string, hasUserNamespace: boolean): void {
  const { uidMappings, gidMappings } = mount;
  if ((uidMappings === undefined) !== (gidMappings === undefined)) {
    const [present, missing] =
      uidMappings === undefined ? ["gidMappings", "uidMappings"] : ["uidMappings", "gidMappings"];
    throw new FieldFailure(`${field}.${present}`, `it needs ${missing}, which is missing`);
  }
  if (uidMappings !== undefined || hasUserNamespace) return;
  const option = mount.options?.find((found) => found === "idmap" || found === "ridmap");
  if (option === undefined) return;
  throw new FieldFailure(`${field}.options`, `${option} needs uidMappings and gidMappings, or a user namespace`);
}
