import type { PublishedPort } from "@orlop/core";

/** Ports of one protocol as pasta(1) has them. One by one: of a range, it is content with one that it can bind. */
export function pastaPorts(
  option: "--tcp-ports" | "--udp-ports",
  ports: readonly Required<PublishedPort>[],
  protocol: "tcp" | "udp",
): readonly string[] {
  const own = ports.filter((port) => port.protocol === protocol);
  if (own.length === 0) return [option, "none"];
  return own.flatMap(({ hostAddress, hostPort, containerPort, count }) =>
    Array.from({ length: count }, (_, index) => [
      option,
      `${hostAddress}/${hostPort + index}:${containerPort + index}`,
    ]).flat(),
  );
}
