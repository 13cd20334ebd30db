import { createHash } from "node:crypto";
import type { Digest } from "@orlop/core";

/** For each layer the digest that stands for it on all those below it (image-spec, config.md, "Layer ChainID"). */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    const text = `${below} ${diffId}`;
    chain.push(below === undefined ? diffId : `sha256:${createHash("sha256").update(text).digest("hex")}`);
  }
  return chain;
}
