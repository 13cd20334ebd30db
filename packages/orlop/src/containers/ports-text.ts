import type { PublishedPort } from "@orlop/core";
import type { Container } from "@orlop/engine";

/** The ports that are published while it runs. */
export function publishedPorts({ state }: Container): readonly Required<PublishedPort>[] {
  return state.endpoints.flatMap(({ ports }) => ports);
}

/** As docker's `ps` has them: `127.0.0.1:8080->80/tcp, 0.0.0.0:5000-5001->5000-5001/udp`. */
export function portsText(container: Container): string {
  return publishedPorts(container)
    .map(({ hostAddress, hostPort, containerPort, count, protocol }) => {
      const address = hostAddress.includes(":") ? `[${hostAddress}]` : hostAddress;
      const range = (first: number): string => (count === 1 ? `${first}` : `${first}-${first + count - 1}`);
      return `${address}:${range(hostPort)}->${range(containerPort)}/${protocol}`;
    })
    .join(", ");
}
