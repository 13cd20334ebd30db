/**
 * A shim with nothing behind it, which speaks the bootstrap protocol of containerd 2.3: `fakeShim` writes the program that
 * starts this very file. Its containers are one number, the status.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Codec } from "@orlop/core/protobuf";
import { TASK_STATUS, taskApi } from "../../shim-protocol/task-api.ts";
import { service, TtrpcServer } from "../../ttrpc/ttrpc-server.ts";

/** What it is to do wrong. */
type Fault = "none" | "grpc" | "refuses" | "create fails" | "execs end at once";

const CODEC = new Codec({
  Params: { instanceId: [1, "string"], namespace: [2, "string"], containerdTtrpcAddress: [5, "string"] },
  Result: { version: [1, "int32"], address: [2, "string"], protocol: [3, "string"] },
} as const);

/** The path of a program that is such a shim. */
export function fakeShim(directory: string, fault: Fault = "none"): string {
  const path = join(directory, "containerd-shim-fake-v1");
  const command = [process.execPath, "-C", "source", import.meta.filename].map((word) => `'${word}'`).join(" ");
  writeFileSync(path, `#!/bin/sh\nFAULT='${fault}' exec ${command} "$@"\n`, { mode: 0o755 });
  return path;
}

/** What the shim was asked with, as its first start noted it in the bundle. */
export function askedWith(bundle: string): unknown {
  return JSON.parse(readFileSync(join(bundle, "asked.json"), "utf8"));
}

async function start(fault: Fault): Promise<void> {
  const id = process.argv[process.argv.indexOf("-id") + 1] ?? "";
  const { instanceId, namespace, containerdTtrpcAddress } = CODEC.decode("Params", readFileSync(0));
  if (instanceId !== id || fault === "refuses") {
    const words = fault === "refuses" ? "this shim does not start" : "started through the deprecated API";
    process.stderr.write(words);
    process.exitCode = 1;
    return;
  }
  writeFileSync("asked.json", JSON.stringify({ instanceId, namespace, containerdTtrpcAddress }));
  const server = spawn(process.execPath, ["-C", "source", import.meta.filename, "serve"], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  await once(server.stdout, "data");
  server.unref();
  server.stdout.destroy();
  const address = `unix://${join(process.cwd(), "s")}`;
  process.stdout.write(CODEC.encode("Result", { version: 3, address, protocol: fault === "grpc" ? "grpc" : "ttrpc" }));
}

async function serve(fault: Fault): Promise<void> {
  let status: number = TASK_STATUS.unknown;
  const ended = Promise.withResolvers<void>();
  const task = service(taskApi(3), {
    Create: () => {
      if (fault === "create fails") throw new Error("no such thing as a container: permission denied");
      status = TASK_STATUS.created;
      return { pid: process.pid };
    },
    Start: () => {
      status = TASK_STATUS.running;
      return { pid: process.pid };
    },
    State: ({ id }) => ({ id, status, pid: process.pid }),
    Kill: () => {
      status = TASK_STATUS.stopped;
      ended.resolve();
      return {};
    },
    Wait: async () => {
      await ended.promise;
      return { exitStatus: 137, exitedAt: { seconds: 7n, nanos: 5_000_000 } };
    },
    Delete: () => ({}),
    Shutdown: () => {
      setImmediate(() => process.exit());
      return {};
    },
    Pids: () => ({ processes: [{ pid: process.pid }] }),
    Stats: () => ({ stats: { typeUrl: "example.org/Guest" } }),
    Pause: () => ({}),
    Resume: () => ({}),
    Checkpoint: () => ({}),
    Exec: () => ({}),
    ResizePty: ({ execId }) => {
      if (fault === "execs end at once" && execId !== "") throw new Error("cannot resize a stopped container");
      return {};
    },
    CloseIO: () => ({}),
    Update: () => ({}),
    Connect: () => ({}),
  });
  rmSync("s", { force: true });
  await TtrpcServer.listen([task], { path: "s" });
  process.stdout.write("listening\n");
}

if (process.argv[1] === import.meta.filename) {
  const fault = (process.env.FAULT ?? "none") as Fault;
  const action = process.argv.at(-1);
  if (action === "start") await start(fault);
  if (action === "serve") await serve(fault);
}
