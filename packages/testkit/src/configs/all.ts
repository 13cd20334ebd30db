import type { DifferentialConfig } from "../differential/differential-config.ts";
import { deviceConfigs } from "./devices.ts";
import { hookConfigs } from "./hooks.ts";
import { lifeCycleConfigs } from "./life-cycle.ts";
import { mountConfigs } from "./mounts.ts";
import { namespaceConfigs } from "./namespaces.ts";
import { processConfigs } from "./processes.ts";
import { resourceConfigs } from "./resources.ts";
import { seccompConfigs } from "./seccomp.ts";

/** Every case of the comparison, by the part of the config that it exercises. */
export const differentialConfigs: readonly DifferentialConfig[] = [
  ...lifeCycleConfigs,
  ...namespaceConfigs,
  ...processConfigs,
  ...mountConfigs,
  ...deviceConfigs,
  ...resourceConfigs,
  ...seccompConfigs,
  ...hookConfigs,
];
