/**
 * A process of its own that makes a container with another program, to be killed: `spawnForeignMaker` starts this very
 * file.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import type { CreateRequest } from "@orlop/core";
import { PEERS } from "./foreign-peers-fixture.ts";

interface Orders {
  readonly peer: string;
  readonly root: string;
  readonly request: CreateRequest;
}

interface ForeignMaker {
  readonly child: ChildProcess;
  /** Resolves when the container runs; rejects with what the maker said instead. */
  readonly made: Promise<void>;
  /** Ends it with SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
}

const MADE = "made\n";

/** It ends with the test, whatever becomes of that. */
export function spawnForeignMaker(t: TestContext, orders: Orders): ForeignMaker {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ["-C", "source", import.meta.filename, JSON.stringify(orders)];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const gone = once(child, "exit");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Who kills it before is not interested.
  promise.catch(() => {});
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (text === MADE ? resolve() : reject(new Error(text))));
  void gone.then(() => reject(new Error("the maker ended")));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  t.after(kill);
  return { child, made: promise, kill };
}

async function make({ peer, root, request }: Orders): Promise<string> {
  try {
    const runtime = PEERS[peer]?.make(root);
    await runtime?.create(request);
    await runtime?.start(request.id);
    return MADE;
  } catch (error) {
    return String(error);
  }
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(await make(JSON.parse(process.argv[2] ?? "") as Orders));
  // Here until somebody ends us.
  setInterval(() => {}, 60_000);
}
