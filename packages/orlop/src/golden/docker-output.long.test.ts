import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { containerRow } from "../containers/container-rows.ts";
import { portsText } from "../containers/ports-text.ts";
import { seeded } from "../deaths/death-load-fixture.ts";
import { DockerClient, dockerClientObstacle } from "../format/docker-client-fixture.ts";
import { goldenContainers, portsContainer } from "./golden-containers-fixture.ts";
import { GoldenMachine } from "./golden-machine-fixture.ts";
import { decodeKnownDifferences, type KnownDifference } from "./known-differences-fixture.ts";

const NOW_MS = Date.now();
const HOUR_MS = 3_600_000;
const ALL = goldenContainers(NOW_MS);
type Name = keyof typeof ALL;

interface GoldenCase {
  readonly args: readonly string[];
  /** Answers of docker's daemon by their paths. */
  readonly answers: Readonly<Record<string, unknown>>;
}

const lists = (names: readonly Name[], ...args: readonly string[]): GoldenCase => ({
  args: ["ps", ...args],
  answers: { "/containers/json": names.map((name) => ALL[name].document) },
});
const EVERY: readonly Name[] = ["job", "web", "still", "made"];
const RUNNING: readonly Name[] = ["web", "still"];

const LISTS: readonly GoldenCase[] = [
  lists(RUNNING),
  lists(EVERY, "-as"),
  lists(EVERY, "-a", "--size", "--no-trunc"),
  lists(EVERY, "-a", "--format", "{{.Names}} {{.Size}}"),
  lists(EVERY, "-a"),
  lists(EVERY, "--all", "--no-trunc"),
  lists(EVERY, "-aq"),
  lists(EVERY, "-a", "-q", "--no-trunc"),
  lists(["job"], "-l"),
  lists(["job", "web"], "-n", "2"),
  lists(EVERY, "-a", "--format", "json"),
  lists(EVERY, "-a", "--format", "{{json .}}"),
  lists(EVERY, "-a", "--format", "table"),
  lists(EVERY, "-a", "--format", "table {{.Names}}\\t{{.Labels}}\\t{{.Mounts}}\\t{{.Networks}}"),
  lists(EVERY, "-a", "--format", "{{.ID}}: {{.Command}} {{.CreatedAt}} {{.State}} {{.LocalVolumes}}"),
  lists(EVERY, "-a", "--no-trunc", "--format", "{{.ID}}: {{.Command}} {{.RunningFor}} {{.Ports}} {{.Mounts}}"),
  lists(EVERY, "-a", "--format", '{{.Label "team"}} {{upper .Names}} {{join (split .Image "/") "|"}}'),
  lists(EVERY, "-a", "--format", 'table {{.Names}}\\t{{.Label "team"}}'),
  lists(EVERY, "-aq", "--format", "{{.Names}}"),
  lists([], "-a", "--filter", "name=nobody"),
  lists(["job"], "-a", "--filter", "status=exited"),
  lists(["job"], "--filter", "exited=3"),
  lists(["web"], "--filter", "label=team=a"),
  lists(["web", "still"], "-f", "label=team"),
  lists(["still"], "--filter", "status=paused", "--filter", "name=still"),
  lists(["job"], "-a", "--filter", "since=web"),
  lists(["made", "still"].reverse() as Name[], "-a", "--filter", "before=web"),
  lists(["job", "made"], "-a", "--filter", "ancestor=busybox"),
  lists(["web"], "-a", "--filter", `id=${ALL.web.container.id.slice(0, 5)}`),
  lists(["web"], "--filter", "network=lan"),
  lists(["web"], "--filter", "publish=8080"),
  lists(["web"], "--filter", "expose=5000-5001/udp"),
  lists(["web"], "--filter", "volume=data"),
  lists([], "--filter", "is-task=true"),
];

const NOT_FOUND = { message: "No such container: nobody" };
const words: readonly GoldenCase[] = [
  { args: ["stop", "job", "made"], answers: { "/containers/job/stop": {}, "/containers/made/stop": {} } },
  { args: ["wait", "job"], answers: { "/containers/job/wait": { StatusCode: 3 } } },
  { args: ["port", "web"], answers: { "/containers/web/json": { NetworkSettings: { Ports: portBindings() } } } },
  { args: ["port", "web", "80"], answers: { "/containers/web/json": { NetworkSettings: { Ports: portBindings() } } } },
  {
    args: ["port", "web", "5001/udp"],
    answers: { "/containers/web/json": { NetworkSettings: { Ports: portBindings() } } },
  },
  {
    args: ["port", "web", "99"],
    answers: { "/containers/web/json": { Name: "/web", NetworkSettings: { Ports: portBindings() } } },
  },
  { args: ["ps", "--nonsense"], answers: {} },
  { args: ["ps", "-Z"], answers: {} },
  { args: ["ps", "word"], answers: {} },
  { args: ["ps", "--format", "{{.Nonsense}}"], answers: { "/containers/json": [ALL.web.document] } },
  { args: ["ps", "--format", "{{.Names"], answers: { "/containers/json": [ALL.web.document] } },
  { args: ["ps", "-n"], answers: {} },
  { args: ["ps", "-n", "many"], answers: {} },
  { args: ["rm"], answers: {} },
  { args: ["stop"], answers: {} },
  { args: ["start"], answers: {} },
  { args: ["rename", "job"], answers: {} },
  { args: ["logs"], answers: {} },
  { args: ["exec", "web"], answers: {} },
  { args: ["inspect"], answers: {} },
  { args: ["volume", "inspect"], answers: {} },
  { args: ["nonsense"], answers: {} },
  { args: ["network", "nonsense"], answers: {} },
  ...["stop", "rm", "kill", "pause", "wait", "start", "port", "logs", "top", "diff"].map((verb) => ({
    args: [verb, "nobody"],
    answers: notFound("nobody"),
  })),
  { args: ["rm", "-f", "nobody"], answers: notFound("nobody") },
  { args: ["rename", "job", "done"], answers: { "/containers/job/rename": {} } },
  { args: ["rm", "done"], answers: { "/containers/done": {} } },
];

function notFound(name: string): Readonly<Record<string, unknown>> {
  const paths = ["", "/json", "/stop", "/kill", "/pause", "/wait", "/start", "/logs", "/top", "/changes"];
  return Object.fromEntries(paths.map((path) => [`/containers/${name}${path}`, { status: 404, ...NOT_FOUND }]));
}

function portBindings(): unknown {
  const { ports = [] } = ALL.web.container.state.endpoints[0] ?? {};
  const all = ports.flatMap(({ hostAddress, hostPort, containerPort, protocol, count }) =>
    Array.from({ length: count }, (_, index) => ({
      key: `${containerPort + index}/${protocol}`,
      binding: { HostIp: hostAddress, HostPort: String(hostPort + index) },
    })),
  );
  const byPort = Object.entries(Object.groupBy(all, ({ key }) => key));
  return Object.fromEntries(byPort.map(([key, found = []]) => [key, found.map(({ binding }) => binding)]));
}

const VOLUMES = [
  { name: "cache", createdAtMs: NOW_MS - HOUR_MS, labels: {} },
  { name: "data", createdAtMs: NOW_MS - 50 * HOUR_MS, labels: { team: "a" } },
];

function volumeCases(mountpoints: readonly string[]): readonly GoldenCase[] {
  const documents = VOLUMES.map(({ name, createdAtMs, labels }, index) => ({
    CreatedAt: new Date(createdAtMs).toISOString(),
    Driver: "local",
    Labels: labels,
    Mountpoint: mountpoints[index],
    Name: name,
    Options: null,
    Scope: "local",
  }));
  const list = (...args: readonly string[]): GoldenCase => ({
    args: ["volume", "ls", ...args],
    answers: { "/volumes": { Volumes: documents, Warnings: [] } },
  });
  const only = { "/volumes": { Volumes: documents.slice(1), Warnings: [] } };
  const inspected = Object.fromEntries(documents.map((document) => [`/volumes/${document.Name}`, document]));
  return [
    list(),
    list("-q"),
    list("--format", "json"),
    list("--format", "table {{.Name}}\\t{{.Mountpoint}}\\t{{.Labels}}"),
    list("--format", '{{.Name}} {{.Label "team"}}'),
    list("--format", "{{.Name}} {{.Driver}} {{.Scope}} {{.Links}} {{.Size}}"),
    { args: ["volume", "ls", "--filter", "label=team=a"], answers: only },
    { args: ["volume", "ls", "--filter", "dangling=false"], answers: only },
    { args: ["volume", "ls", "--filter", "name=dat"], answers: only },
    { args: ["volume", "inspect", "data", "cache"], answers: inspected },
    { args: ["volume", "inspect", "-f", "{{.Name}} {{.Labels.team}}", "data"], answers: inspected },
    {
      args: ["volume", "inspect", "nobody"],
      answers: { "/volumes/nobody": { status: 404, message: "get nobody: no such volume" } },
    },
    {
      args: ["volume", "rm", "data"],
      answers: {
        "/volumes/data": { status: 409, message: `remove data: volume is in use - [${ALL.web.container.id}]` },
      },
    },
    { args: ["volume", "rm", "cache"], answers: { "/volumes/cache": {} } },
  ];
}

function eventCases(): readonly GoldenCase[] {
  const { id, image } = ALL.job.container;
  const attributes = { image: image.text, name: "job" };
  const events = ["create", "start", "die"].map((action, index) => ({
    atMs: Math.floor(NOW_MS - 5 * HOUR_MS) + index,
    type: "container" as const,
    action,
    id,
    attributes: action === "die" ? { ...attributes, exitCode: "3" } : attributes,
  }));
  for (const event of events) machine.addEvent(event);
  const documents = events.map((event) => ({
    status: event.action,
    id,
    from: image.text,
    Type: event.type,
    Action: event.action,
    Actor: { ID: id, Attributes: event.attributes },
    scope: "local",
    time: Math.floor(event.atMs / 1000),
    timeNano: `#${event.atMs}000000#`,
  }));
  const text = documents.map((each) => JSON.stringify(each).replace(/"#(\d+)#"/, "$1")).join("\n");
  const shown = (...args: readonly string[]): GoldenCase => ({
    args: ["events", "--since", "1", "--until", String(Math.floor(NOW_MS / 1000)), ...args],
    answers: { "/events": { raw: `${text}\n` } },
  });
  return [
    shown(),
    shown("--format", "json"),
    shown("--format", "{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.ID}} {{.From}}"),
  ];
}

let machine: GoldenMachine;

describe("what docker's client prints, ours prints", { skip: await dockerClientObstacle() }, () => {
  const known = decodeKnownDifferences(readFileSync(new URL("./known-differences.json", import.meta.url), "utf8"));
  const used = new Set<KnownDifference>();

  before(() => {
    machine = new GoldenMachine();
    for (const { container } of Object.values(ALL)) machine.add(container);
  });
  after(async () => await machine[Symbol.asyncDispose]());

  const check = async (cases: readonly GoldenCase[]): Promise<void> => {
    const found: unknown[] = [];
    for (const { args, answers } of cases) {
      await using docker = await DockerClient.start(answers);
      const [theirs, ours] = await Promise.all([docker.run(...args), machine.orlop(...args)]);
      const command = args.join(" ");
      for (const part of ["status", "stdout", "stderr"] as const) {
        if (comparable(part, String(theirs[part])) === comparable(part, String(ours[part]))) continue;
        const rows = known.filter((row) => row.part === part && row.pattern.test(command));
        for (const row of rows) used.add(row);
        if (rows.length === 0) found.push({ command, part, theirs: theirs[part], ours: ours[part] });
      }
    }
    assert.deepEqual(found, []);
  };

  test("in lists of containers", () => check(LISTS));
  test("in lists of volumes, and where they are looked into", async () => {
    const mountpoints = VOLUMES.map(({ name, createdAtMs, labels }) => machine.addVolume(name, createdAtMs, labels));
    await check(volumeCases(mountpoints));
  });
  test("of ports, whatever they are", async () => {
    const random = seeded(7);
    const containers = Array.from({ length: 40 }, (_, index) => portsContainer(index, NOW_MS, random));
    await using docker = await DockerClient.start({ "/containers/json": containers.map(({ document }) => document) });
    const { stdout } = await docker.run("ps", "-a", "--format", "{{.Ports}}");
    assert.deepEqual(
      containers.map(({ container }) => portsText(container)),
      stdout.split("\n").slice(0, -1),
    );
  });
  test("of sizes, whatever they are", async () => {
    const random = seeded(11);
    const sizes = Array.from({ length: 60 }, (_, index) => {
      const of = (): number => Math.floor(10 ** (random() * 13));
      const rwBytes = index % 7 === 0 ? 0 : of();
      return { rwBytes, rootFsBytes: index % 5 === 0 ? 0 : rwBytes + of() };
    });
    const documents = sizes.map(({ rwBytes, rootFsBytes }) => ({
      ...ALL.web.document,
      ...(rwBytes === 0 ? {} : { SizeRw: rwBytes }),
      ...(rootFsBytes === 0 ? {} : { SizeRootFs: rootFsBytes }),
    }));
    await using docker = await DockerClient.start({ "/containers/json": documents });
    const { stdout } = await docker.run("ps", "-as", "--format", "{{.Size}}");
    assert.deepEqual(
      sizes.map((size) => containerRow(ALL.web.container, { nowMs: NOW_MS, isWhole: false, size }).get("Size")),
      stdout.split("\n").slice(0, -1),
    );
  });
  test("of what has happened", () => check(eventCases()));
  test("where something is done, and where it is not", () => check(words));
  test("but for differences that are known, and still there", () => {
    const stale = known.filter((row) => !used.has(row)).map(({ part, command }) => `${part} of ${command}`);
    assert.deepEqual(stale, []);
  });
});

/** What goes before a message is each program's own, and so is its name; we do not repeat a usage that `--help` tells. */
function comparable(part: string, text: string): string {
  if (part !== "stderr") return text;
  return text
    .replaceAll("docker", "orlop")
    .replaceAll(/^(Error response from daemon: |orlop: |Error: |warning: |WARNING: )+/gm, "")
    .replace(/^Usage: .*\n\n/m, "")
    .replace(/^See '/m, "Run '")
    .trim();
}
