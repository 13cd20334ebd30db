// table: every field of the runtime-spec's config.json, and what becomes of it here
import type { RuntimeSpec } from "@orlop/core";
import { RESOURCE_CONVERSIONS, type ResourceField } from "@orlop/kernel";

/**
 * - `full` as the spec says
 * - `partial` some values or some places are refused, by the field's name
 * - `refused` always
 * - `ignored` because the spec gives it no meaning on Linux
 */
type SupportLevel = "full" | "partial" | "refused" | "ignored";

/** What becomes of one field, or of all fields below it that have no row of their own. */
export interface SupportRow {
  /** As in an error: `[]` is any element of a list, `*` any key of a map. */
  readonly field: string;
  readonly support: SupportLevel;
  /** Why it is not full, or what is worth knowing; a sentence without a full stop. */
  readonly note?: string;
  /** The config asks for what is refused before anything is made. */
  readonly refusedWhen?: (spec: RuntimeSpec) => boolean;
}

function full(field: string, note?: string): SupportRow {
  return { field, support: "full", ...(note === undefined ? {} : { note }) };
}

function partial(field: string, note: string): SupportRow {
  return { field, support: "partial", note };
}

function refused(field: string, note: string, refusedWhen: NonNullable<SupportRow["refusedWhen"]>): SupportRow {
  return { field, support: "refused", note, refusedWhen };
}

function ignored(field: string, note: string): SupportRow {
  return { field, support: "ignored", note };
}

const WINDOWS = "a field for Windows: kept, as the spec wants it";
const OWN_CREDENTIAL =
  "refused where the kernel runs without the module: a container must not run with less than was asked for";

const TOP: readonly SupportRow[] = [
  full("ociVersion", "every 1.x, development versions too"),
  full("root.path"),
  full("root.readonly"),
  full("hostname", "refused without a uts namespace, where it would be the host's"),
  full("domainname", "refused without a uts namespace, where it would be the host's"),
  full(
    "annotations",
    "with systemd's driver `org.systemd.property.NAME` is a property of the unit, its value written as GVariant's text",
  ),
];

const HOOKS: readonly SupportRow[] = [
  full("hooks.prestart"),
  full("hooks.createRuntime"),
  full("hooks.createContainer"),
  full("hooks.startContainer", "as an exec: the container's user, capabilities, filter and cgroups"),
  full("hooks.poststart", "a failure fails the start"),
  full("hooks.poststop", "a failure is a warning"),
];

const PROCESS: readonly SupportRow[] = [
  full("process.terminal"),
  full("process.consoleSize"),
  full("process.args"),
  ignored("process.commandLine", WINDOWS),
  full("process.cwd", "made where it is not there; must lie inside the root"),
  full("process.env"),
  full("process.user.uid"),
  full("process.user.gid"),
  full("process.user.umask", "022 where it is absent"),
  full(
    "process.user.additionalGids",
    "refused where the kernel forbids setgroups: a user namespace without privileges",
  ),
  ignored("process.user.username", WINDOWS),
  full("process.capabilities", "a name that the kernel does not know is a warning"),
  full("process.apparmorProfile", OWN_CREDENTIAL),
  full("process.selinuxLabel", OWN_CREDENTIAL),
  full("process.noNewPrivileges"),
  full("process.oomScoreAdj"),
  full(
    "process.rlimits",
    "two of one type are refused; in a user namespace of root's they are set from outside, where they may be raised",
  ),
  full(
    "process.scheduler",
    "as under runc flags that clamp utilization have 0 as their value, for which the spec has no field; no deadlines together with the small init",
  ),
  full("process.ioPriority"),
  full("process.execCPUAffinity", "for execs; the config's holds for those that bring none"),
];

const MOUNTS: readonly SupportRow[] = [
  full(
    "mounts[].destination",
    "a relative one counts from the root; `..` is taken as text; a link at /proc, /sys or /dev is refused",
  ),
  full("mounts[].source", "a bind's counts from the bundle"),
  full("mounts[].type"),
  partial(
    "mounts[].options",
    "`tmpcopyup` is an overlay ([decision 8](decisions/0008-tmpcopyup-is-an-overlay.md)); `idmap` and `ridmap` need root and Linux 5.12, as every recursive attribute of a bind does, and for a new file system the kernel's support for that kind (tmpfs: 6.3); `remount` is for what an earlier entry has mounted, and for a bind only together with `bind`",
  ),
  full("mounts[].uidMappings", "as `idmap`"),
  full("mounts[].gidMappings", "as `idmap`"),
];

const LINUX: readonly SupportRow[] = [
  partial(
    "linux.namespaces[].type",
    "a container without a mount namespace is refused: what it mounts would show on the host",
  ),
  partial("linux.namespaces[].path", "a mount namespace by path is refused: what is mounted would show to those in it"),
  full("linux.uidMappings"),
  full("linux.gidMappings"),
  full("linux.timeOffsets"),
  full("linux.devices", "in a user namespace, where no node can be made, the host's is bound"),
  full(
    "linux.netDevices",
    "permanent global addresses go along with all that they have; a failure while devices are moved leaves them where they were",
  ),
  partial(
    "linux.cgroupsPath",
    "a path, or with systemd's driver `slice:prefix:name` for the scope `prefix-name.scope`; a unit that is itself a slice is refused, for it has no processes",
  ),
  full(
    "linux.rootfsPropagation",
    "the recursive forms of the four values, too; set last, so that it hinders neither masks nor read-only paths",
  ),
  full("linux.seccomp", "names that the kernel does not have are passed over"),
  full(
    "linux.seccomp.listenerPath",
    "for execs, too; as under runc `SCMP_ACT_NOTIFY` is refused for `write` and as the default action, by which nobody could be told",
  ),
  full("linux.seccomp.listenerMetadata"),
  full("linux.sysctl", "only what belongs to a namespace of the container"),
  full("linux.maskedPaths"),
  full("linux.readonlyPaths"),
  refused(
    "linux.mountLabel",
    "SELinux labels on mounts are not done yet",
    ({ linux }) => (linux?.mountLabel ?? "") !== "",
  ),
  full("linux.intelRdt", "where resctrl is mounted; a class that is there has to be what the schemas say"),
  full("linux.memoryPolicy", "of the container's first process and what it starts, as under runc"),
  full("linux.personality.domain"),
  full("linux.personality.flags", "the spec defines none, so that every entry is refused"),
];

/** What each version of cgroups does with a field stands in its own table. */
function resourceRow(field: ResourceField): SupportRow {
  const { v1, v2 } = RESOURCE_CONVERSIONS[field];
  const name = `linux.resources.${field}`;
  if ("refused" in v2) return partial(name, `version 1 only: ${v2.refused}`);
  return "refused" in v1 ? partial(name, `version 2 only: ${v1.refused}`) : full(name);
}

const RESOURCES: readonly SupportRow[] = (Object.keys(RESOURCE_CONVERSIONS) as ResourceField[]).map(resourceRow);

/** The one place that says what of config.json is done; the document and the refusals come from it. */
export const OCI_SUPPORT: Readonly<Record<string, readonly SupportRow[]>> = {
  "The container": TOP,
  process: PROCESS,
  mounts: MOUNTS,
  linux: LINUX,
  "linux.resources": RESOURCES,
  hooks: HOOKS,
};
