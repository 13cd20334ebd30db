import type { KubeNode } from "./kube-node.ts";

const UNITS: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50 },
};

/** A quantity of Kubernetes', such as `500m`, `0.5`, `128Mi`, `1e3`. @throws OrlopError `invalid` */
export function readQuantity(node: KubeNode): number {
  const { value } = node;
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  const [, digits, exponent, unit = ""] =
    /^\+?(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d{1,3})|([numkMGTP]|[KMGTP]i)?)$/.exec(String(value)) ?? [];
  const number = Number(`${digits}${exponent ?? ""}`) * (UNITS[unit] ?? 1);
  if (typeof value === "string" && digits !== undefined && Number.isFinite(number)) return number;
  throw node.invalid('it is a quantity such as "500m" or "128Mi"');
}
