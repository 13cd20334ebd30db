import {
  type Capabilities,
  checkRuntimeSpec,
  defaultSpec,
  type Linux,
  type LinuxNamespaceType,
  type LinuxResources,
  type LinuxSeccomp,
  type Mount,
  OrlopError,
  type Process,
  type RuntimeSpec,
  type WindowSize,
} from "@orlop/core";
import type { Image } from "../image/image.ts";
import { capabilitySet } from "./capability-set.ts";
import { commandWords } from "./command-words.ts";
import { containerEnvironment } from "./container-environment.ts";
import { containerMounts } from "./container-mounts.ts";
import type { ContainerUser } from "./container-user.ts";
import type { MachineView } from "./machine-view.ts";
import type { RunOptions } from "./run-options.ts";

/** Everything that decides a container's config. */
interface SpecSources {
  /** Of the container. */
  readonly id: string;
  readonly options: RunOptions;
  readonly image: Pick<Image, "config" | "mounts" | "isHost">;
  readonly user: ContainerUser;
  readonly machine: MachineView;
  readonly hostname: string;
  /** Files of the container's own, such as /etc/hosts. */
  readonly files: readonly Mount[];
  /** Of the caller's terminal. */
  readonly windowSize: WindowSize | undefined;
  /** The filter for the given bounding set; absent: none. */
  readonly seccomp: (capabilities: readonly string[]) => LinuxSeccomp | undefined;
}

/**
 * Makes the OCI config of a container. Reads nothing: the same sources give the same config.
 *
 * @throws OrlopError for what this machine or an ordinary user cannot have
 */
export function buildSpec(sources: SpecSources): RuntimeSpec {
  const { options, user, machine, hostname } = sources;
  const { annotations = {} } = options;
  if (machine.rootless) refuseForOrdinaryUser(options, user);
  const base = defaultSpec({ rootPath: "/", thermalThrottleCpus: machine.thermalThrottleCpus });
  const capabilities = capabilitySet(options.capabilities, machine.capabilities);
  const spec: RuntimeSpec = {
    ociVersion: base.ociVersion,
    process: buildProcess(sources, umaskOf(sources, base.process?.user.umask), capabilities),
    root: { path: "/", readonly: options.readOnly },
    ...(options.namespaces?.uts === "host" ? {} : { hostname }),
    ...(options.domainname === undefined ? {} : { domainname: options.domainname }),
    mounts: containerMounts(base.mounts ?? [], [...shownMounts(sources), ...sources.files], options, { machine, user }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    linux: buildLinux(sources, base.linux ?? {}, capabilities),
  };
  // The rest of the config is ours; a kernel parameter is whatever the user says, and may be the whole machine's.
  return Object.keys(options.sysctl).length === 0 ? spec : checkRuntimeSpec(spec);
}

function umaskOf({ options, machine }: SpecSources, usual: number | undefined): number | undefined {
  return options.umask ?? (options.asCaller ? machine.umask : usual);
}

/** A mount that is asked for hides what the root file system has mounted below its place. */
function shownMounts({ image, options }: SpecSources): readonly Mount[] {
  const covered = options.mounts.map(({ mount }) => `${mount.destination}/`);
  return image.mounts.filter(({ destination }) => !covered.some((place) => destination.startsWith(place)));
}

function buildProcess(
  { options, image, user, machine, hostname, windowSize }: SpecSources,
  umask: number | undefined,
  capabilities: readonly string[],
): Process {
  const { config } = image;
  const { apparmorProfile } = options.security;
  const home = machine.rootless && image.isHost ? machine.home : user.home;
  return {
    terminal: options.tty,
    ...(options.tty && windowSize !== undefined
      ? { consoleSize: { height: windowSize.rows, width: windowSize.columns } }
      : {}),
    user: {
      uid: user.uid,
      gid: user.gid,
      ...(umask === undefined ? {} : { umask }),
      // In a user namespace made without privileges setgroups(2) is forbidden.
      ...(machine.rootless || user.additionalGids.length === 0 ? {} : { additionalGids: user.additionalGids }),
    },
    args: commandWords(options, config),
    env: containerEnvironment({
      hostname,
      tty: options.tty,
      image: config.Env ?? [],
      variables: options.variables,
      home,
      isBare: options.bareEnvironment === true,
    }),
    cwd: options.workdir ?? (config.WorkingDir || "/"),
    capabilities: capabilitySets(capabilities, user),
    ...(options.rlimits.length === 0 ? {} : { rlimits: options.rlimits }),
    noNewPrivileges: options.security.noNewPrivileges,
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: options.oomScoreAdj }),
  };
}

/** A user other than root has none to begin with, and gets back what its programs' files say, at most. */
function capabilitySets(names: readonly string[], { uid }: ContainerUser): Capabilities {
  return uid === 0 ? { bounding: names, effective: names, permitted: names } : { bounding: names };
}

function buildLinux(
  { id, options, machine, seccomp }: SpecSources,
  base: Linux,
  capabilities: readonly string[],
): Linux {
  const { privileged, security, sysctl } = options;
  const { cgroupParent } = options.wishes ?? {};
  const filter = seccomp(capabilities);
  const open = privileged || security.systemPathsUnconfined;
  const nodes = machine.rootless ? [] : options.devices.map(({ device }) => device);
  const shared = sharedWithHost(options);
  const namespaces = (base.namespaces ?? []).filter(({ type }) => !shared.has(type));
  return {
    namespaces: machine.rootless ? [...namespaces, { type: "user" }] : namespaces,
    ...(machine.rootless ? callerMappings(machine, options.asCaller === true) : {}),
    ...(cgroupParent === undefined ? {} : { cgroupsPath: cgroupPath(cgroupParent, id, options.runtime) }),
    ...(options.personality === undefined ? {} : { personality: { domain: options.personality } }),
    resources: buildResources(options, machine, base.resources ?? {}),
    ...(nodes.length === 0 ? {} : { devices: nodes }),
    ...(filter === undefined ? {} : { seccomp: filter }),
    ...(Object.keys(sysctl).length === 0 ? {} : { sysctl }),
    ...(open ? {} : { maskedPaths: base.maskedPaths ?? [], readonlyPaths: base.readonlyPaths ?? [] }),
  };
}

/** Those of another container are joined when it is started, wherever that one is then. */
function sharedWithHost({ network, namespaces = {} }: RunOptions): ReadonlySet<LinuxNamespaceType> {
  const shared = new Set<LinuxNamespaceType>(network.kind === "host" ? ["network"] : []);
  for (const type of ["pid", "ipc", "uts", "cgroup"] as const) if (namespaces[type] === "host") shared.add(type);
  return shared;
}

/** Other runtimes count a relative path from where they like. */
function cgroupPath(parent: string, id: string, { kind }: RunOptions["runtime"]): string {
  const path = `${parent.replace(/\/+$/, "")}/${id}`;
  return kind === "process" || path.startsWith("/") ? path : `/${path}`;
}

/** User 0 of the container is the caller, or the caller himself: one mapping is what the kernel grants everybody (user_namespaces(7)). */
function callerMappings({ uid, gid }: MachineView, keepsIds: boolean): Pick<Linux, "uidMappings" | "gidMappings"> {
  return {
    uidMappings: [{ containerID: keepsIds ? uid : 0, hostID: uid, size: 1 }],
    gidMappings: [{ containerID: keepsIds ? gid : 0, hostID: gid, size: 1 }],
  };
}

function buildResources(options: RunOptions, machine: MachineView, base: LinuxResources): LinuxResources {
  const { limits, privileged, devices, deviceRules = [] } = options;
  const limit = limits.memory?.limit;
  // Docker's rule: as much swap as memory, unless the user says otherwise.
  const swap = limit === undefined || !machine.swapLimits ? undefined : (limits.memory?.swap ?? 2 * Number(limit));
  const rules = privileged
    ? [{ allow: true, access: "rwm" }]
    : [...(base.devices ?? []), ...devices.map(({ rule }) => rule), ...deviceRules];
  return {
    ...limits,
    ...(swap === undefined ? {} : { memory: { ...limits.memory, swap } }),
    // An ordinary user may open what the modes of the bound nodes allow; no controller stands before them.
    ...(machine.rootless ? {} : { devices: rules }),
  };
}

function refuseForOrdinaryUser(options: RunOptions, user: ContainerUser): void {
  const refuse = (what: string, why: string): never => {
    throw new OrlopError("denied", `Cannot ${what}: ${why}\nTry it as root.`);
  };
  if (options.asCaller !== true && (user.uid !== 0 || user.gid !== 0)) {
    refuse(`use user "${options.user}"`, "a container of an ordinary user has only user 0 and group 0, which are you");
  }
  const [group] = options.groupsToAdd;
  if (group !== undefined) refuse(`add group "${group}"`, "a container of an ordinary user has only group 0");
  const [rule] = options.wishes?.deviceRules ?? [];
  if (rule !== undefined) refuse(`apply device rule "${rule}"`, "an ordinary user has no say over access to devices");
  const limited = options.devices.find(({ rule }) => rule.access !== "rwm");
  if (limited !== undefined) {
    refuse(
      `give device "${limited.hostPath}" as ${limited.rule.access}`,
      "an ordinary user has no say over access to it",
    );
  }
}
