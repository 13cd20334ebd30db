import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import type { BenchPlace } from "./bench-place.ts";
import type { OciPeer } from "./oci-peer.ts";

const patienceMs = 5_000;

async function readWhenWritten(path: string): Promise<string> {
  for (const start = performance.now(); performance.now() - start < patienceMs; await sleep(5)) {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    if (text !== "") return text;
  }
  throw new OrlopError("failed", `Cannot measure conmon: it has not written "${path}"`);
}

interface ConmonOptions {
  readonly conmon: string;
  readonly runtime: OciPeer;
  readonly bundle: string;
  /** Driver and path, as conmon has it: `k8s-file:/path`. */
  readonly log: string;
}

/** conmon, which podman and CRI-O leave beside each container, started as they start it, with a container that is created. */
export async function startConmon(
  place: BenchPlace,
  { conmon, runtime, bundle, log }: ConmonOptions,
): Promise<{ readonly id: string; readonly pid: number }> {
  const id = place.newId();
  const directory = place.stateDirectory;
  const pidFile = join(directory, `${id}.conmon`);
  const createdFile = join(directory, `${id}.pid`);
  const [file, ...runtimeArguments] = runtime.command;
  const argv = [conmon, "--cid", id, "--cuuid", id, "--name", id, "--bundle", bundle, "--runtime", file];
  argv.push(...runtimeArguments.map((argument) => `--runtime-arg=${argument}`));
  argv.push("--container-pidfile", createdFile, "--conmon-pidfile", pidFile);
  argv.push("--log-path", log, "--exit-dir", directory, "--socket-dir-path", directory);
  await runtime.time(argv as [string, ...string[]]);
  const pid = Number(await readWhenWritten(pidFile));
  await readWhenWritten(createdFile);
  return { id, pid };
}
