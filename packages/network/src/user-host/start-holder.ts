import { OrlopError } from "@orlop/core";
import { errnoName, errnoWords, SourceMap, Zygote } from "@orlop/kernel";
import { type HolderPlan, holderProgram } from "./holder-program.ts";

/** Starts a holder, which goes on when this process ends, and gives its process id. @throws OrlopError */
export async function startHolder(plan: HolderPlan): Promise<number> {
  const program = holderProgram(plan);
  const source = new SourceMap(program);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const zygote = Zygote.start();
  try {
    zygote.submit(program, ({ kind, index, value }) => {
      if (kind === "created") resolve(value);
      if (kind === "failed" || kind === "unstarted") {
        const name = errnoName(value);
        const action = (kind === "failed" ? source.step(index)?.action : undefined) ?? "start its holder";
        const wayOut = name === "EPERM" || name === "EACCES" ? "\nTry: orlop doctor" : "";
        const message = `Cannot make networks of an ordinary user: cannot ${action}: ${errnoWords(name)}${wayOut}`;
        reject(new OrlopError(wayOut === "" ? "failed" : "denied", message, { errno: name }));
      }
      if (kind === "ended" || kind === "refused") {
        reject(new OrlopError("failed", "Cannot make networks of an ordinary user: their holder was ended"));
      }
    });
    return await promise;
  } finally {
    zygote.close();
  }
}
