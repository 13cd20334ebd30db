import { findProgram } from "@orlop/kernel";
import { DEFAULT_NETWORK } from "./network-options.ts";

/**
 * What the network "bridge" is for an ordinary user: a bridge, as for root, where there is slirp4netns, which leads out of his
 * bridges; and where there is pasta alone, that, for each container by itself.
 */
export function rootlessNetwork(): string {
  return findProgram("slirp4netns") === undefined && findProgram("pasta") !== undefined ? "pasta" : DEFAULT_NETWORK;
}
