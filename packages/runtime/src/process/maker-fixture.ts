/**
 * A process of its own that makes containers, to be killed or worked against: `spawnMaker` starts this very file.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import type { CreateRequest } from "@orlop/core";
import { Zygote } from "@orlop/kernel";
import { ProcessRuntime } from "./process-runtime.ts";

interface MakerOrders {
  readonly root: string;
  readonly stdio?: "inherit" | "ignore";
  readonly requests: readonly CreateRequest[];
  /** How far each container is brought. */
  readonly upTo: "create" | "run";
}

/** A maker whose containers stand, or that has said why they do not. */
interface Maker extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Process of its zygote. */
  readonly zygotePid: number;
  /** Everything on its standard output that is not for us. */
  output(): string;
  /** Ends it with SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
}

interface MakerWord {
  readonly zygotePid?: number;
  readonly failure?: string;
}

const WORD_MARK = "@@maker ";

/** Starts a maker, behind a command such as setpriv(1), without waiting for anything. */
export function startMaker(orders: MakerOrders, prefix: readonly string[] = []): ChildProcess {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const command = [...prefix, process.execPath, "-C", "source", import.meta.filename, JSON.stringify(orders)];
  const [file = "", ...args] = command;
  return spawn(file, args, { env, stdio: ["ignore", "pipe", "inherit"] });
}

/** Starts a maker and waits until its containers stand. */
export async function spawnMaker(orders: MakerOrders, prefix: readonly string[] = []): Promise<Maker> {
  const child = startMaker(orders, prefix);
  const lines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (!line.startsWith(WORD_MARK)) return lines.push(line);
      const { zygotePid, failure } = JSON.parse(line.slice(WORD_MARK.length)) as MakerWord;
      return zygotePid === undefined ? reject(new Error(failure)) : resolve(zygotePid);
    });
  }
  const gone = once(child, "exit");
  void gone.then(() => reject(new Error("the maker ended")));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  try {
    const zygotePid = await promise;
    const output = (): string => lines.map((line) => `${line}\n`).join("");
    return { child, zygotePid, output, kill, [Symbol.asyncDispose]: kill };
  } catch (error) {
    await kill();
    throw error;
  }
}

async function make({ root, stdio = "ignore", requests, upTo }: MakerOrders): Promise<MakerWord> {
  const zygote = Zygote.start({ stdio });
  const runtime = new ProcessRuntime({ root, startZygote: () => zygote });
  try {
    for (const request of requests) await runtime[upTo](request);
    return { zygotePid: zygote.pid ?? 0 };
  } catch (error) {
    return { failure: String(error) };
  }
}

if (process.argv[1] === import.meta.filename) {
  const word = await make(JSON.parse(process.argv[2] ?? "") as MakerOrders);
  process.stdout.write(`${WORD_MARK}${JSON.stringify(word)}\n`);
  // Here until somebody ends us.
  setInterval(() => {}, 60_000);
}
