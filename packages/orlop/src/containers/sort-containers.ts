import { OrlopError } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { compareText } from "../format/template/value.ts";
import type { ContainerSize } from "./container-size.ts";

interface Sorted {
  readonly container: Container;
  readonly size: ContainerSize | undefined;
}

const command = ({ container: { config } }: Sorted): string =>
  [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].join(" ");

/** Podman's orders of a list of containers: what comes first is what stands at the top. */
const ORDERS: Readonly<Record<string, (a: Sorted, b: Sorted) => number>> = {
  command: (a, b) => compareText(command(a), command(b)),
  created: (a, b) => a.container.createdAtMs - b.container.createdAtMs,
  id: (a, b) => compareText(a.container.id, b.container.id),
  image: (a, b) => compareText(a.container.image.text, b.container.image.text),
  names: (a, b) => compareText(a.container.name, b.container.name),
  runningfor: (a, b) => (b.container.state.startedAtMs ?? 0) - (a.container.state.startedAtMs ?? 0),
  size: (a, b) => (a.size?.rootFsBytes ?? 0) - (b.size?.rootFsBytes ?? 0),
  status: (a, b) => compareText(a.container.state.status, b.container.state.status),
};

type Order = (a: Sorted, b: Sorted) => number;

/** @throws OrlopError `invalid` */
export function parseOrder(text: string): Order {
  const order = Object.hasOwn(ORDERS, text) ? ORDERS[text] : undefined;
  if (order !== undefined) return order;
  throw new OrlopError("invalid", `there are ${Object.keys(ORDERS).join(", ")}`);
}
