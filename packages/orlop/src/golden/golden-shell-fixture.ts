/** A process that executes one command line after the other: what each has printed goes back as a line of JSON. */
import { createInterface } from "node:readline";
import { commandLine } from "../command-line.ts";

const answer = process.stdout.write.bind(process.stdout);
const printed = { stdout: "", stderr: "" };

for (const name of ["stdout", "stderr"] as const) {
  const take = (data: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    printed[name] += Buffer.from(data as Uint8Array).toString();
    const done = rest.at(-1);
    if (typeof done === "function") queueMicrotask(() => done());
    return true;
  };
  process[name].write = take as typeof process.stdout.write;
}

for await (const line of createInterface({ input: process.stdin })) {
  printed.stdout = "";
  printed.stderr = "";
  const status = await commandLine(JSON.parse(line) as readonly string[]);
  answer(`${JSON.stringify({ ...printed, status })}\n`);
}
