import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { findProgram } from "../../steps/find-program.ts";
import type { BenchPlace } from "../bench-place.ts";
import type { BenchGoal, BenchRow } from "../bench-row.ts";
import type { TimedCommand } from "../command-timer.ts";
import { Containerd } from "../containerd.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { hiddenFromCrun } from "../oci-peer.ts";
import { OwnCommand } from "../own-command.ts";
import { OURS } from "../peer-rows.ts";
import { median } from "../statistics.ts";

/** Issue "The OCI runtime, complete", "Speed and size": no slower than with crun. */
const GOAL: BenchGoal = { of: "ratio", max: 1 };
const PEER = "crun";

const callsBefore = 20;
/** A whole run takes some ten times as long as the runtime's part of it. */
const roundsMax = 20;

/** A runtime under a client: the command line of a `run` of `true`. */
interface Tried {
  readonly name: string;
  readonly run: () => TimedCommand;
}

function underPodman(place: BenchPlace, own: OwnCommand, file: string, crun: string): readonly Tried[] {
  const directory = join(place.stateDirectory, "podman");
  mkdirSync(directory);
  const configuration = join(directory, "containers.conf");
  const handed = Object.entries(own.env).map(([name, value]) => JSON.stringify(`${name}=${value}`));
  writeFileSync(
    configuration,
    `[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\nconmon_env_vars = [${handed}]\n`,
  );
  const places = [`--root=${directory}/root`, `--runroot=${directory}/run`, `--tmpdir=${directory}/tmp`];
  const options = ["--rm", "--network=none", "--log-driver=none", `--cgroup-parent=/${place.mark}`, "--rootfs"];
  const env = { PATH: process.env.PATH, CONTAINERS_CONF: configuration };
  const run = (runtime: string): TimedCommand => ({
    argv: [file, "--storage-driver=vfs", ...places, `--runtime=${runtime}`, "run", ...options, rootOf(place), "true"],
    env,
  });
  return [
    { name: OURS, run: () => run(own.peer.path) },
    { name: PEER, run: () => ({ ...run(crun), unmount: hiddenFromCrun() }) },
  ];
}

function rootOf({ ending }: BenchPlace): string {
  return ending.spec.root.path;
}

function underContainerd(
  place: BenchPlace,
  { command }: Containerd,
  [name, runtime]: readonly [string, string],
): Tried {
  const options = ["--rm", "--null-io", "--rootfs"];
  return {
    name,
    run: () => {
      const id = place.newId();
      // Named after the container, as it is without the option, but where the bench removes what is left.
      const named = [`--runc-binary=${runtime}`, `--cgroup=/${place.mark}/${id}`];
      return { argv: [...command, "run", ...named, ...options, rootOf(place), id, "/bin/true"] };
    },
  };
}

function subject(place: BenchPlace, { name, run }: Tried): Subject<"run"> {
  return {
    name,
    async once() {
      const command = run();
      const { milliseconds, exitCode } = await place.timer.run(command);
      if (exitCode === 0) return { run: milliseconds };
      throw new OrlopError("failed", `Cannot measure "${command.argv.join(" ")}": it ended with exit code ${exitCode}`);
    },
  };
}

type ClientName = "podman" | "containerd";

function blankRow(client: ClientName): BenchRow {
  const what = `the whole \`run\` of \`true\` by ${client}, with one runtime and with the other`;
  return { name: `oci-${client}`, what, unit: "ms", ours: undefined, peerName: PEER, goal: GOAL };
}

async function rowOf(
  place: BenchPlace,
  client: ClientName,
  tried: readonly Tried[],
  rounds: Rounds,
): Promise<BenchRow> {
  const subjects = tried.map((each) => subject(place, each));
  const series = await interleave(subjects, { ...rounds, count: Math.min(rounds.count, roundsMax) });
  const figure = (name: string): number => median(series.get(name)?.run ?? []);
  return { ...blankRow(client), ours: figure(OURS), peer: figure(PEER) };
}

/** Clients that start containers with `orlop-oci` and with crun: how long their users wait for a whole run. */
export async function ociClientRows(place: BenchPlace, rounds: Rounds): Promise<readonly BenchRow[]> {
  const [podman, ctr, crun] = [findProgram("podman"), findProgram("ctr"), findProgram(PEER)];
  const missing = (client: ClientName, program: string): BenchRow => ({
    ...blankRow(client),
    note: `${program} is not installed`,
  });
  if (crun === undefined) return [missing("podman", PEER), missing("containerd", PEER)];
  await using own = await OwnCommand.open(place, callsBefore);
  const rows: BenchRow[] = [];
  if (podman === undefined) rows.push(missing("podman", "podman"));
  else rows.push(await rowOf(place, "podman", underPodman(place, own, podman, crun), rounds));
  if (ctr === undefined) return [...rows, missing("containerd", "containerd")];
  const { env } = own;
  await using ours = await Containerd.start(place, { name: OURS, ctr, env });
  await using crunned = await Containerd.start(place, { name: PEER, ctr, env, hidden: hiddenFromCrun() });
  const tried = [underContainerd(place, ours, [OURS, own.peer.path]), underContainerd(place, crunned, [PEER, crun])];
  return [...rows, await rowOf(place, "containerd", tried, rounds)];
}
