import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "@orlop/testkit";

/** Is killed in the moment in which it has the directory, and would end who holds it. */
const SCRIPT = `
const { SystemCalls } = await import(process.argv[1]);
const kill = process.kill.bind(process);
process.kill = (pid) => {
  process.stdout.write(String(pid), () => kill(process.pid, "SIGKILL"));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
};
await new SystemCalls().openDirectory("open it", (p) => {
  const fd = p.slot("fd");
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/"), p.flags("O_RDONLY|O_DIRECTORY"), 0], { into: fd });
  return fd;
});
`;

test("who holds a directory for a process that is killed ends as well", async () => {
  const args = ["-C", "source", "--input-type=module", "-e", SCRIPT, join(import.meta.dirname, "system-calls.ts")];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [text] = await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  const holder = Number(String(text));
  assert.ok(holder > 1);
  await until("the end of the holder", async () => !isAlive(holder));
});

/** What nobody waits for here is no process any more. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
