import type { Digest } from "@orlop/core";
import { sha256Digest } from "../layout/verify-content.ts";

/** For each layer the digest that stands for it on all those below it (image-spec, config.md, "Layer ChainID"). */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : sha256Digest(`${below} ${diffId}`));
  }
  return chain;
}
