import { shortId } from "@orlop/core";
import type { ContainerNetwork } from "@orlop/engine";

/** What a container's network is called in lists. */
export function networkNames(network: ContainerNetwork): readonly string[] {
  switch (network.kind) {
    case "none":
    case "host":
      return [network.kind];
    case "pod":
      return [`pod:${shortId(network.id)}`];
    case "container":
      return [`container:${shortId(network.id)}`];
    case "networks":
      return network.attachments.map((attachment) => attachment.network);
  }
}
