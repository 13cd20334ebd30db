import { QUANTITIES, RESOURCES } from "./kube-fields.ts";
import type { KubeNode } from "./kube-node.ts";
import { readQuantity } from "./quantity.ts";

/** Of one CPU, as Kubernetes turns them into weights of version 1 cgroups. */
const SHARES_OF_CPU = 1024;
const SHARES_MIN = 2;
const PERIOD_MICROSECONDS = 100_000;
/** The kernel takes no less. */
const QUOTA_MIN_MICROSECONDS = 1000;

/** Flags of `orlop create` for limits and requests. */
export function readResourceFlags(node: KubeNode): readonly string[] {
  const object = node.object(RESOURCES);
  const limits = object.at("limits").object(QUANTITIES);
  const requests = object.at("requests").object(QUANTITIES);
  const cpu = limits.maybe("cpu", readQuantity);
  const memory = limits.maybe("memory", readQuantity);
  const weight = requests.maybe("cpu", readQuantity);
  const reservation = requests.maybe("memory", readQuantity);
  if (cpu !== undefined && weight !== undefined && weight > cpu)
    throw requests.at("cpu").invalid("it is more than the limit");
  if (memory !== undefined && reservation !== undefined && reservation > memory) {
    throw requests.at("memory").invalid("it is more than the limit");
  }
  const quota = Math.max(QUOTA_MIN_MICROSECONDS, Math.round((cpu ?? 0) * PERIOD_MICROSECONDS));
  return [
    ...(cpu ? ["--cpu-period", `${PERIOD_MICROSECONDS}`, "--cpu-quota", `${quota}`] : []),
    ...(memory ? ["--memory", `${Math.ceil(memory)}`, "--memory-swap", `${Math.ceil(memory)}`] : []),
    ...(weight ? ["--cpu-shares", `${Math.max(SHARES_MIN, Math.round(weight * SHARES_OF_CPU))}`] : []),
    ...(reservation ? ["--memory-reservation", `${Math.ceil(reservation)}`] : []),
  ];
}
