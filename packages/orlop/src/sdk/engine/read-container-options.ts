import { OrlopError } from "@orlop/core";
import { parseFlags } from "../../flags/parse-flags.ts";
import type { MachineView } from "../../run/machine-view.ts";
import type { RequestedMount } from "../../run/requested-mount.ts";
import { RUN_FLAGS } from "../../run/run-flags.ts";
import { type RunOptions, readRunOptions } from "../../run/run-options.ts";
import { volumeMount } from "../../run/volume-flag.ts";
import {
  checkOptions,
  isAbsolutePath,
  isCount,
  isOneOf,
  isRecord,
  isText,
  isVariables,
  type OptionCheck,
} from "../check-options.ts";
import { readSandboxMounts } from "../read-sandbox-mounts.ts";
import type { SandboxMount } from "../sandbox-options.ts";
import type { ContainerOptions, VolumeRequest } from "./container-options.ts";

const isTexts: OptionCheck = (value) =>
  Array.isArray(value) && value.every((each) => typeof each === "string" && !each.includes("\0"))
    ? undefined
    : "it is an array of strings";

const CHECKS: Readonly<Record<keyof ContainerOptions, OptionCheck>> = {
  image: isText,
  command: isTexts,
  name: isText,
  env: isVariables,
  workdir: isAbsolutePath,
  user: isText,
  labels: isRecord,
  mounts: (value) => (Array.isArray(value) ? undefined : "it is an array"),
  network: isText,
  ports: isTexts,
  memory: (value) => (typeof value === "string" ? isText(value) : isCount(value)),
  cpus: (value) => (typeof value === "number" && value > 0 ? undefined : "it is a number greater than 0"),
  pids: isCount,
};

const VOLUME_CHECKS: Readonly<Record<keyof VolumeRequest, OptionCheck>> = {
  volume: isText,
  to: isAbsolutePath,
  mode: isOneOf("ro", "rw"),
};

/**
 * The same as a command line of `create` means, so that both make the same containers.
 *
 * @throws OrlopError `invalid`
 */
export function readContainerOptions(options: ContainerOptions, caller: MachineView): RunOptions {
  checkOptions("create container", options, CHECKS);
  const { image, command = [], env = {}, labels = {}, ports = [], mounts = [] } = options;
  if (image === undefined) {
    throw new OrlopError("invalid", 'Cannot create container: option "image" is missing', { field: "image" });
  }
  const flag = (name: string, value: string | number | undefined): readonly string[] =>
    value === undefined ? [] : [`--${name}=${value}`];
  const pairs = (name: string, record: Readonly<Record<string, string>>): readonly string[] =>
    Object.entries(record).flatMap(([key, value]) => flag(name, `${key}=${value}`));
  const words = [
    "--quiet",
    ...flag("name", options.name),
    ...flag("workdir", options.workdir),
    ...flag("user", options.user),
    ...flag("network", options.network),
    ...flag("memory", options.memory),
    ...flag("cpus", options.cpus),
    ...flag("pids-limit", options.pids),
    ...pairs("env", env),
    ...pairs("label", labels),
    ...ports.flatMap((port) => flag("publish", port)),
    image,
    ...(command.length === 0 ? [] : ["--", ...command]),
  ];
  return { ...readRunOptions(parseFlags(RUN_FLAGS, words), caller), mounts: readMounts(mounts, caller) };
}

function readMounts(mounts: readonly (SandboxMount | VolumeRequest)[], caller: MachineView): readonly RequestedMount[] {
  const seen = new Set<string>();
  return mounts.flatMap((mount): readonly RequestedMount[] => {
    const read = "volume" in mount ? [readVolume(mount)] : readSandboxMounts([mount], caller);
    for (const { mount: made } of read) {
      if (seen.has(made.destination)) {
        throw new OrlopError("invalid", `Cannot create container: two mounts at ${made.destination}`, {
          field: "mounts",
        });
      }
      seen.add(made.destination);
    }
    return read;
  });
}

function readVolume(mount: VolumeRequest): RequestedMount {
  checkOptions('create container: option "mounts"', mount, VOLUME_CHECKS);
  if (mount.volume === undefined || mount.to === undefined) {
    throw new OrlopError("invalid", 'Cannot create container: option "mounts": a volume needs volume and to', {
      field: "mounts",
    });
  }
  return volumeMount(mount.volume, mount.to, { readonly: mount.mode === "ro", copies: true });
}
