import { DEFAULT_CAPABILITIES, type LinuxResources } from "@orlop/core";
import type { Container } from "@orlop/engine";
import type { InspectedContainer } from "../inspect/container-document.ts";
import { askedMounts, isReadOnly } from "../inspect/mount-document.ts";
import { generateProbes } from "./generate-probes.ts";

/** A container as a document has it, and what that cannot say. */
export interface GeneratedContainer {
  readonly container: Readonly<Record<string, unknown>>;
  /** By their names. */
  readonly volumes: ReadonlyMap<string, unknown>;
  readonly lost: readonly string[];
}

/** @param name within its pod */
export function generateContainer(inspected: InspectedContainer, name: string): GeneratedContainer {
  const { container, spec } = inspected;
  const { process, config } = container;
  const mounts = generateMounts(inspected);
  const security = securityContext(inspected);
  const resources = generateResources(spec?.linux?.resources ?? {});
  const env = (config.Env ?? []).map((entry) => {
    const equals = entry.indexOf("=");
    return { name: entry.slice(0, equals), value: escaped(entry.slice(equals + 1)) };
  });
  return {
    container: {
      name,
      image: container.image.text,
      command: (process.args ?? []).map(escaped),
      ...(process.cwd === "/" ? {} : { workingDir: process.cwd }),
      ...(env.length === 0 ? {} : { env }),
      ...(resources === undefined ? {} : { resources }),
      ...(container.interactive ? { stdin: true } : {}),
      ...(container.terminal ? { tty: true } : {}),
      ...(Object.keys(security).length === 0 ? {} : { securityContext: security }),
      ...generateProbes(container.probes),
      ...(mounts.mounts.length === 0 ? {} : { volumeMounts: mounts.mounts }),
    },
    volumes: mounts.volumes,
    lost: [...mounts.lost, ...lostOptions(inspected)],
  };
}

/** `$(NAME)` would stand for a variable. */
function escaped(text: string): string {
  return /\$[$(]/.test(text) ? text.replaceAll("$", "$$$$") : text;
}

function generateMounts(inspected: InspectedContainer): {
  readonly mounts: readonly object[];
  readonly volumes: ReadonlyMap<string, unknown>;
  readonly lost: readonly string[];
} {
  const volumes = new Map<string, unknown>();
  const mounts: object[] = [];
  const lost: string[] = [];
  for (const mount of askedMounts(inspected)) {
    const { destination, source = "", type, volume } = mount;
    if (type !== "bind") {
      lost.push(`the ${type ?? ""} at ${destination}`);
      continue;
    }
    const name = volumeName(volume?.name ?? source, volume === undefined ? "host" : "pvc");
    volumes.set(
      name,
      volume === undefined
        ? { name, hostPath: { path: source } }
        : { name, persistentVolumeClaim: { claimName: volume.name } },
    );
    const propagation = mount.options?.includes("rshared")
      ? { mountPropagation: "Bidirectional" }
      : mount.options?.includes("rslave")
        ? { mountPropagation: "HostToContainer" }
        : {};
    const readOnly = isReadOnly(mount) ? { readOnly: true } : {};
    mounts.push({ name, mountPath: destination, ...readOnly, ...propagation });
  }
  return { mounts, volumes, lost };
}

const NAME_MAX = 63;

/** As podman calls them: from what they are. */
function volumeName(text: string, kind: "host" | "pvc"): string {
  const words = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const plain = words
    .replace(/^-/, "")
    .slice(-(NAME_MAX - kind.length - 1))
    .replace(/^-|-$/g, "");
  return plain === "" ? `root-${kind}` : `${plain}-${kind}`;
}

function generateResources({ memory, cpu }: LinuxResources): object | undefined {
  const limits = {
    ...(cpu?.quota !== undefined && cpu.period !== undefined && Number(cpu.quota) > 0
      ? { cpu: milli(Number(cpu.quota) / Number(cpu.period)) }
      : {}),
    ...(memory?.limit === undefined ? {} : { memory: String(memory.limit) }),
  };
  const requests = {
    ...(cpu?.shares === undefined ? {} : { cpu: milli(Number(cpu.shares) / 1024) }),
    ...(memory?.reservation === undefined ? {} : { memory: String(memory.reservation) }),
  };
  const both = {
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(Object.keys(requests).length === 0 ? {} : { requests }),
  };
  return Object.keys(both).length === 0 ? undefined : both;
}

function milli(cpus: number): string {
  return `${Math.max(1, Math.round(cpus * 1000))}m`;
}

function securityContext({ container, spec }: InspectedContainer): Readonly<Record<string, unknown>> {
  const { process } = container;
  const { uid, gid } = process.user;
  const linux = spec?.linux;
  const isPrivileged = linux !== undefined && linux.maskedPaths === undefined && linux.seccomp === undefined;
  const has = process.capabilities?.bounding ?? DEFAULT_CAPABILITIES;
  const add = has.filter((name) => !DEFAULT_CAPABILITIES.includes(name));
  const drop = DEFAULT_CAPABILITIES.filter((name) => !has.includes(name));
  const capabilities = { ...(add.length === 0 ? {} : { add }), ...(drop.length === 0 ? {} : { drop }) };
  return {
    ...(uid === 0 && gid === 0 ? {} : { runAsUser: uid, runAsGroup: gid }),
    ...(isPrivileged ? { privileged: true } : {}),
    ...(isPrivileged || Object.keys(capabilities).length === 0 ? {} : { capabilities }),
    ...(spec?.root.readonly === true ? { readOnlyRootFilesystem: true } : {}),
    ...(process.noNewPrivileges === true ? { allowPrivilegeEscalation: false } : {}),
    ...(!isPrivileged && linux?.seccomp === undefined ? { seccompProfile: { type: "Unconfined" } } : {}),
    ...(!isPrivileged && linux?.maskedPaths === undefined && linux !== undefined ? { procMount: "Unmasked" } : {}),
    ...appArmor(process.apparmorProfile),
  };
}

function appArmor(profile: string | undefined): object {
  if (profile === undefined) return {};
  const isOff = profile === "unconfined";
  return { appArmorProfile: isOff ? { type: "Unconfined" } : { type: "Localhost", localhostProfile: profile } };
}

/** What no field of a document says. */
function lostOptions({ container, spec }: InspectedContainer): readonly string[] {
  const { process, runtime, init, network, autoRemove, log, requires = [], config } = container;
  const limits = spec?.linux?.resources ?? {};
  const when = (is: boolean, flag: string): readonly string[] => (is ? [`--${flag}`] : []);
  return [
    ...when(limits.pids?.limit !== undefined, "pids-limit"),
    ...when(limits.cpu?.cpus !== undefined, "cpuset-cpus"),
    ...when(limits.cpu?.mems !== undefined, "cpuset-mems"),
    ...when((process.rlimits ?? []).length > 0, "ulimit"),
    ...when(process.oomScoreAdj !== undefined, "oom-score-adj"),
    ...when((spec?.linux?.devices ?? []).length > 0, "device"),
    ...when(requires.length > 0, "requires"),
    ...when(container.namespaces?.uts !== undefined && network.kind !== "host", "uts"),
    ...when(container.namespaces?.cgroup !== undefined, "cgroupns"),
    ...when(container.wishes?.cgroupParent !== undefined, "cgroup-parent"),
    ...when(Object.keys(spec?.annotations ?? {}).length > 0, "annotation"),
    ...when(limits.blockIO !== undefined, "blkio-weight, or a limit of a device"),
    ...when(spec?.linux?.personality !== undefined, "personality"),
    ...when(container.timeLimitMs !== undefined, "timeout"),
    ...when(config.Healthcheck !== undefined, "health-cmd"),
    ...when(limits.memory?.swap !== undefined && limits.memory.swap !== limits.memory.limit, "memory-swap"),
    ...when(runtime !== "process", "runtime"),
    ...when(init, "init"),
    ...when(autoRemove, "rm"),
    ...when(log.driver !== "file", "log-driver"),
  ];
}

/** The policy of all of a pod's containers together. @returns undefined when they differ */
export function restartPolicyOf(containers: readonly Container[]): "Always" | "OnFailure" | "Never" | undefined {
  const words = { no: "Never", "on-failure": "OnFailure", always: "Always", "unless-stopped": "Always" } as const;
  const [first = "Never", ...others] = new Set(containers.map(({ restart }) => words[restart.name]));
  return others.length === 0 ? first : undefined;
}
