import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { findProgram } from "../../steps/find-program.ts";
import type { BenchPlace } from "../bench-place.ts";
import type { BenchGoal, BenchRow } from "../bench-row.ts";
import type { TimedCommand } from "../command-timer.ts";
import { Containerd } from "../containerd.ts";
import { Docker } from "../docker.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { hiddenFromCrun } from "../oci-peer.ts";
import { OwnDaemon } from "../own-daemon.ts";
import { OURS } from "../peer-rows.ts";
import { median } from "../statistics.ts";

/** Issue "The engine, the command line and the SDK", "Speed and size": of `run` and `exec`; how long `ps` takes is of "many". */
const GOALS: Readonly<Record<string, BenchGoal>> = {
  podman: { of: "ratio", max: 0.1 },
  docker: { of: "ratio", max: 0.2 },
  ctr: { of: "ratio", max: 0.2 },
};
/** A run of podman's takes a while. */
const roundsMax = 20;

const VERBS = { run: "`run --rm` of `true`", exec: "`exec` of `true`", ps: "`ps -a`" } as const;
type Verb = keyof typeof VERBS;

/** One command line in front of which is a program and its settings. */
interface Client {
  readonly name: string;
  /** By verb; absent: it has no such. */
  readonly commands: Readonly<Partial<Record<Verb, () => TimedCommand>>>;
}

/** Our command, with a daemon there: what is asked of it is done without any Node. */
async function ownClient(place: BenchPlace, daemon: OwnDaemon): Promise<Client & AsyncDisposable> {
  const image = `dir:${rootOf(place)}`;
  const name = place.newId();
  await succeed(place, daemon.call("run", "-d", "--name", name, image, "sleep", "1000"));
  return {
    name: OURS,
    commands: {
      run: () => daemon.call("run", "--rm", "--network=none", image, "true"),
      exec: () => daemon.call("exec", name, "true"),
      ps: () => daemon.call("ps", "-a"),
    },
    [Symbol.asyncDispose]: async () => void (await place.timer.run(daemon.call("rm", "-f", name))),
  };
}

/** Undefined where it runs no container. */
async function podmanClient(place: BenchPlace, file: string): Promise<(Client & AsyncDisposable) | undefined> {
  // Podman takes no run directory of more than 50 characters.
  const directory = join(place.stateDirectory, "podman-d");
  mkdirSync(directory);
  const places = [`--root=${directory}/root`, `--runroot=${directory}/run`, `--tmpdir=${directory}/tmp`];
  const configuration = join(directory, "containers.conf");
  const settings = 'cgroup_manager = "cgroupfs"\nevents_logger = "none"';
  writeFileSync(configuration, `[containers]\ndefault_ulimits = []\n[engine]\n${settings}\n`);
  const env = { PATH: process.env.PATH, CONTAINERS_CONF: configuration };
  const call = (...args: readonly string[]): TimedCommand => ({
    argv: [file, "--storage-driver=vfs", ...places, ...args],
    env,
    unmount: hiddenFromCrun(),
  });
  const options = ["--network=none", "--log-driver=none", `--cgroup-parent=/${place.mark}`, "--rootfs"];
  const name = place.newId();
  const idle = call("run", "-d", `--name=${name}`, ...options, rootOf(place), "sleep", "1000");
  if ((await place.timer.run(idle)).exitCode !== 0) return undefined;
  return {
    name: "podman",
    commands: {
      run: () => call("run", "--rm", ...options, rootOf(place), "true"),
      exec: () => call("exec", name, "true"),
      ps: () => call("ps", "-a"),
    },
    [Symbol.asyncDispose]: async () => void (await place.timer.run(call("rm", "-f", "-t", "0", name))),
  };
}

async function ctrClient(place: BenchPlace, containerd: Containerd): Promise<Client & AsyncDisposable> {
  const call = (...args: readonly string[]): TimedCommand => ({ argv: [...containerd.command, ...args] });
  const run = (id: string, options: readonly string[], ...args: readonly string[]): TimedCommand => {
    const cgroup = `--cgroup=/${place.mark}/${id}`;
    return call("run", ...options, "--null-io", "--rootfs", cgroup, rootOf(place), id, ...args);
  };
  const name = place.newId();
  await succeed(place, run(name, ["--detach"], "/bin/sleep", "1000"));
  let execs = 0;
  return {
    name: "ctr",
    commands: {
      run: () => run(place.newId(), ["--rm"], "/bin/true"),
      exec: () => call("tasks", "exec", "--exec-id", `exec-${execs++}`, name, "/bin/true"),
    },
    async [Symbol.asyncDispose]() {
      await place.timer.run(call("tasks", "rm", "--force", name));
      await place.timer.run(call("containers", "rm", name));
    },
  };
}

async function dockerClient(place: BenchPlace, docker: Docker): Promise<Client & AsyncDisposable> {
  const call = (...args: readonly string[]): TimedCommand => ({ argv: [...docker.command, ...args] });
  const image = place.newId();
  docker.import(rootOf(place), image);
  const name = place.newId();
  await succeed(place, call("run", "-d", `--name=${name}`, "--network=none", image, "sleep", "1000"));
  return {
    name: "docker",
    commands: {
      run: () => call("run", "--rm", "--network=none", image, "true"),
      exec: () => call("exec", name, "true"),
      ps: () => call("ps", "-a"),
    },
    [Symbol.asyncDispose]: async () => void (await place.timer.run(call("rm", "-f", name))),
  };
}

function rootOf({ ending }: BenchPlace): string {
  return ending.spec.root.path;
}

async function succeed(place: BenchPlace, command: TimedCommand): Promise<number> {
  const { milliseconds, exitCode } = await place.timer.run(command);
  if (exitCode === 0) return milliseconds;
  throw new OrlopError("failed", `Cannot measure "${command.argv.join(" ")}": it ended with exit code ${exitCode}`);
}

async function rowsBeside(place: BenchPlace, own: Client, peer: Client, rounds: Rounds): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const verb of Object.keys(peer.commands) as Verb[]) {
    const subjects = [own, peer].flatMap(({ name, commands }): readonly Subject<"time">[] => {
      const command = commands[verb];
      return command === undefined ? [] : [{ name, once: async () => ({ time: await succeed(place, command()) }) }];
    });
    const series = await interleave(subjects, { ...rounds, count: Math.min(rounds.count, roundsMax) });
    const figure = (name: string): number => median(series.get(name)?.time ?? []);
    rows.push({ ...blankRow(verb, peer.name), ours: figure(own.name), peer: figure(peer.name) });
  }
  return rows;
}

function blankRow(verb: Verb, peerName: string): BenchRow {
  const what = `${VERBS[verb]} with \`orlop serve engine\` there, as whole commands`;
  const goal = verb === "ps" ? undefined : GOALS[peerName];
  return {
    name: `daemon-${verb}`,
    what,
    unit: "ms",
    ours: undefined,
    peerName,
    ...(goal === undefined ? {} : { goal }),
  };
}

/** The command with a daemon there, beside the field's: how long their users wait. */
export async function daemonRows(place: BenchPlace, rounds: Rounds): Promise<readonly BenchRow[]> {
  await using daemon = await OwnDaemon.start(join(place.stateDirectory, "daemon"), { inMemory: true });
  await using own = await ownClient(place, daemon);
  const [podman, ctr] = [findProgram("podman"), findProgram("ctr")];
  const missing = (name: string, note = `${name} is not installed`): BenchRow => ({ ...blankRow("run", name), note });
  const rows: BenchRow[] = [];
  if (podman === undefined) rows.push(missing("podman"));
  else {
    await using client = await podmanClient(place, podman);
    if (client === undefined) rows.push(missing("podman", "podman runs no container here"));
    else rows.push(...(await rowsBeside(place, own, client, rounds)));
  }
  const obstacle = Docker.obstacle();
  if (obstacle !== undefined) rows.push(missing("docker", obstacle));
  else {
    await using docker = await Docker.start(place);
    await using client = await dockerClient(place, docker);
    rows.push(...(await rowsBeside(place, own, client, rounds)));
  }
  if (ctr === undefined) return [...rows, missing("ctr")];
  await using containerd = await Containerd.start(place, { name: "daemon", ctr });
  await using client = await ctrClient(place, containerd);
  return [...rows, ...(await rowsBeside(place, own, client, rounds))];
}
