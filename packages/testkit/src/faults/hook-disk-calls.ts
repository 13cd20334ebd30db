import fs from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";

const SYNC_CALLS = ["mkdirSync", "openSync", "writeSync", "renameSync", "rmSync", "rmdirSync"] as const;
const ASYNC_CALLS = ["open"] as const;
const FILE_CALLS = ["write", "read", "datasync", "sync"] as const;

type Callable = (this: unknown, ...args: unknown[]) => unknown;
type Calls = Record<string, Callable>;

/** Calls that are hooked besides: of node:fs and of node:fs/promises. */
interface MoreCalls {
  readonly sync?: readonly (keyof typeof fs)[];
  readonly async?: readonly (keyof typeof promises)[];
}

/**
 * Has `hook` called before each call of this process by which a store changes the disk, with the call's name, until it
 * is undone. What the hook throws the call throws.
 */
export async function hookDiskCalls(hook: (name: string) => void, more: MoreCalls = {}): Promise<Disposable> {
  const probe = await promises.open("/dev/null");
  const fileCalls: Calls = Object.getPrototypeOf(probe);
  await probe.close();
  const undo = [
    ...[...SYNC_CALLS, ...(more.sync ?? [])].map((name) => wrap(fs as unknown as Calls, name, hook)),
    ...[...ASYNC_CALLS, ...(more.async ?? [])].map((name) => wrap(promises as unknown as Calls, name, hook)),
    ...FILE_CALLS.map((name) => wrap(fileCalls, name, hook)),
    wrap(DatabaseSync.prototype as unknown as Calls, "exec", hook),
    wrap(StatementSync.prototype as unknown as Calls, "run", hook),
  ];
  syncBuiltinESMExports();
  return {
    [Symbol.dispose]: () => {
      for (const each of undo) each();
      syncBuiltinESMExports();
    },
  };
}

function wrap(calls: Calls, name: string, hook: (name: string) => void): () => void {
  const original = calls[name];
  if (original === undefined) throw new Error(`there is no ${name}`);
  calls[name] = function wrapped(...args) {
    hook(name);
    return original.apply(this, args);
  };
  return () => {
    calls[name] = original;
  };
}
