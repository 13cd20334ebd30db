import type { HeldUserNamespace } from "@orlop/core";
import { openEngine } from "../../containers/open-engine.ts";

/** Holds the user namespace that a sandbox is to be made below; undefined where it may be made anywhere. @throws OrlopError */
export async function holdParent(network: string): Promise<HeldUserNamespace | undefined> {
  await using stack = new AsyncDisposableStack();
  const driver = await stack.use(openEngine()).networks();
  const held = await driver.holdUserNamespace?.([network]);
  if (held === undefined) return undefined;
  stack.use(held);
  const all = stack.move();
  return { path: held.path, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
