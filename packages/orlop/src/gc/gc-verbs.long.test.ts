import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type NetworkInfo, OrlopError } from "@orlop/core";
import type { Container, ContainerDescription, EngineStatus, Volume } from "@orlop/engine";
import type { Command } from "../command.ts";
import { parseFlags } from "../flags/parse-flags.ts";
import { TestShelf } from "../images/shelf-fixture.ts";
import type { PrunedNetworks } from "../networks/prune-networks.ts";
import { containerOf } from "../run/described-container-fixture.ts";
import { Depot } from "../store/open-depot.ts";
import { containerPruneCommand, pruneStoppedContainers } from "./container-prune-command.ts";
import type { GcCall, PrunedContainers } from "./gc-verb.ts";
import { imagePruneCommand, pruneUnusedImages } from "./image-prune-command.ts";
import { showUsage, systemDfCommand } from "./system-df-command.ts";
import { pruneSystem, systemPruneCommand } from "./system-prune-command.ts";

/** What there is of containers. */
class FakeContainers implements PrunedContainers {
  containers: Container[] = [];

  add(changes: Partial<ContainerDescription> & { readonly status: EngineStatus }): string {
    const { status, ...description } = changes;
    const made = containerOf(description, { status });
    this.containers.push(made);
    return made.id;
  }

  readonly pods: PrunedContainers["pods"] = { list: async () => [], remove: () => assert.fail("there is none") };
  nets: NetworkInfo[] = [];
  kept: Volume[] = [];
  readonly volumes: PrunedContainers["volumes"] = {
    list: () => this.kept,
    users: (name) =>
      this.containers.flatMap(({ id, volumes }) => (volumes.some((volume) => volume.name === name) ? [id] : [])),
    remove: async (name) => {
      this.kept = this.kept.filter((volume) => volume.name !== name);
    },
  };

  async networks(): Promise<PrunedNetworks> {
    return {
      name: "bridge",
      defaultNetwork: "bridge",
      list: async () => this.nets,
      endpoints: async () => [],
      cleanup: async () => {},
      remove: async (id) => {
        this.nets = this.nets.filter((network) => network.id !== id);
      },
    };
  }

  async list(): Promise<readonly Container[]> {
    return this.containers;
  }

  async remove(id: string): Promise<Container> {
    const found = this.containers.find((each) => each.id === id);
    if (found?.name === "busy") throw new OrlopError("conflict", "it runs");
    this.containers = this.containers.filter((each) => each !== found);
    return found as Container;
  }
}

const VERBS = new Map<Command, (call: GcCall) => Promise<number>>([
  [imagePruneCommand, pruneUnusedImages],
  [systemPruneCommand, pruneSystem],
  [containerPruneCommand, pruneStoppedContainers],
  [systemDfCommand, showUsage],
]);

interface Said {
  readonly exitCode: number | undefined;
  readonly text: string;
}

/** What a command says, with an answer in a pipe. */
async function call(
  shelf: TestShelf,
  command: Command,
  args: readonly string[],
  answer = "",
  engine: PrunedContainers = new FakeContainers(),
): Promise<Said> {
  await using depot = new Depot(shelf.root);
  const texts: string[] = [];
  async function* input(): AsyncGenerator<Buffer> {
    if (answer !== "") yield Buffer.from(answer);
  }
  const flags = parseFlags(command.table, args);
  const print = (text: string): void => void texts.push(text);
  const exitCode = await VERBS.get(command)?.({
    ...{ shelf: depot, engine, flags, nowMs: Date.now(), print, input: input() },
  });
  return { exitCode, text: texts.join("") };
}

function networkOf(name: string, driver: string): NetworkInfo {
  const createdAtMs = Date.UTC(2026, 0, 1);
  return { id: `id-${name}`, name, driver, subnets: [], internal: false, labels: {}, options: {}, createdAtMs };
}

function volumeOf(name: string, isAnonymous: boolean): Volume {
  return { name, createdAtMs: Date.UTC(2026, 0, 1), isAnonymous, labels: {}, path: "/nonexistent" };
}

const sizes = (text: string): string => text.replaceAll(/\d[\d.]*(?:B|kB|MB)/g, "SIZE");

describe("orlop image prune", () => {
  test("removes images without a name, and all that only they hold", async () => {
    using shelf = new TestShelf();
    await shelf.add({ names: ["docker.io/library/app:1"], layers: [9000] });
    const gone = await shelf.add({ names: [], layers: [9000, 50_000], config: { created: "2020-01-01T00:00:00Z" } });
    await shelf.images.put(gone.target.digest, gone.target);
    // Made here, and known by how.
    const made = await shelf.add({ names: [], layers: [9000] });
    await shelf.images.put("debian:bookworm?packages=dash", made.target);
    const { text } = await call(shelf, imagePruneCommand, ["-f"]);
    assert.equal(sizes(text), `Deleted Images:\ndeleted: ${gone.id}\n\nTotal reclaimed space: SIZE\n`);
    assert.deepEqual(await shelf.names(), ["debian:bookworm?packages=dash", "docker.io/library/app:1"]);
    assert.equal((await Array.fromAsync(shelf.content.list())).length, 3);
    assert.equal((await call(shelf, imagePruneCommand, ["-f"])).text, "Total reclaimed space: 0B\n");
  });

  test("removes with -a those that no container uses, with all their names, as far as the filters say", async () => {
    using shelf = new TestShelf();
    const config = { created: "2020-01-01T00:00:00Z", config: { Labels: { team: "a" } } };
    const old = await shelf.add({ names: ["docker.io/library/old:1", "localhost:5000/old:2"], config });
    const used = await shelf.add({ names: ["docker.io/library/used:1"], config, layers: [10] });
    await shelf.add({ names: ["docker.io/library/new:1"], config: { ...config, created: new Date().toISOString() } });
    await shelf.add({ names: ["docker.io/library/other:1"], config: { created: "2020-01-01T00:00:00Z" } });
    await using depot = new Depot(shelf.root);
    const { id } = await depot.leases.create();
    await depot.leases.add(id, { kind: "content", digest: used.target.digest });
    const { text } = await call(shelf, imagePruneCommand, ["-af", "--filter", "until=24h", "--filter", "label=team=a"]);
    const lines = ["untagged: old:1", "untagged: localhost:5000/old:2", `deleted: ${old.id}`];
    assert.equal(sizes(text), `Deleted Images:\n${lines.join("\n")}\n\nTotal reclaimed space: SIZE\n`);
    assert.equal((await shelf.names()).length, 3);
    await assert.rejects(call(shelf, imagePruneCommand, ["--filter", "since=app"]), { code: "invalid" });
  });

  test("takes dangling=true for what it does, and label!= for those without", async () => {
    using shelf = new TestShelf();
    const bare = await shelf.add({ names: [], layers: [10] });
    const labelled = await shelf.add({ names: [], layers: [20], config: { config: { Labels: { keep: "1" } } } });
    for (const { target } of [bare, labelled]) await shelf.images.put(target.digest, target);
    const prune = (...filters: readonly string[]) =>
      call(shelf, imagePruneCommand, ["-f", ...filters.map((filter) => `--filter=${filter}`)]);
    assert.match(
      (await prune("dangling=true", "label!=keep")).text,
      new RegExp(`^Deleted Images:\ndeleted: ${bare.id}\n\n`),
    );
    assert.deepEqual(await shelf.names(), [labelled.target.digest]);
    await assert.rejects(prune("dangling=false"), { message: 'Cannot use filter "dangling=false": that is --all' });
    await assert.rejects(call(shelf, imagePruneCommand, ["-af", "--filter", "dangling=true"]), /opposite of --all/);
  });

  test("asks first, and goes on when the answer is y", async () => {
    using shelf = new TestShelf();
    await shelf.add({ names: ["docker.io/library/app:1"] });
    const question = (what: string): string =>
      `WARNING! This will remove ${what}.\nAre you sure you want to continue? [y/N] `;
    const no = await call(shelf, imagePruneCommand, [], "n\n");
    assert.deepEqual(no, { exitCode: 0, text: question("all dangling images") });
    assert.equal((await call(shelf, imagePruneCommand, ["-a"], "yes\n")).exitCode, 0);
    assert.equal((await shelf.names()).length, 1);
    const { text } = await call(shelf, imagePruneCommand, ["-a"], " Y \nmore");
    assert.ok(text.startsWith(`${question("all images without at least one container associated to them")}Deleted`));
    assert.deepEqual(await shelf.names(), []);
  });

  test("is refused without an answer", async () => {
    using shelf = new TestShelf();
    await assert.rejects(call(shelf, imagePruneCommand, []), { code: "invalid", message: /use -f/ });
  });
});

describe("orlop container prune", () => {
  test("removes those that do not run", async () => {
    using shelf = new TestShelf();
    const engine = new FakeContainers();
    const gone = [engine.add({ status: "created" }), engine.add({ status: "exited" })];
    engine.add({ status: "running" });
    engine.add({ status: "paused" });
    engine.add({ status: "restarting" });
    engine.add({ status: "exited", name: "busy" });
    const said = await call(shelf, containerPruneCommand, [], "n\n", engine);
    assert.equal(
      said.text,
      "WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ",
    );
    const { text } = await call(shelf, containerPruneCommand, ["-f"], "", engine);
    assert.equal(text, `Deleted Containers:\n${gone.join("\n")}\n\nTotal reclaimed space: 0B\n`);
    assert.equal(engine.containers.length, 4);
    assert.equal((await call(shelf, containerPruneCommand, ["-f"], "", engine)).text, "Total reclaimed space: 0B\n");
  });

  test("leaves those that the filters do not mean", async () => {
    using shelf = new TestShelf();
    const engine = new FakeContainers();
    const old = engine.add({ status: "exited", labels: { a: "1" } });
    engine.add({ status: "exited", labels: { a: "2" } });
    engine.add({ status: "exited", labels: { a: "1", keep: "" } });
    engine.add({ status: "exited", labels: { a: "1" }, createdAtMs: Date.now() });
    const filters = ["label=a=1", "label!=keep", "until=1h"].flatMap((filter) => ["--filter", filter]);
    const { text } = await call(shelf, containerPruneCommand, ["-f", ...filters], "", engine);
    assert.equal(text, `Deleted Containers:\n${old}\n\nTotal reclaimed space: 0B\n`);
    await assert.rejects(call(shelf, containerPruneCommand, ["--filter", "name=x"]), { code: "invalid" });
  });
});

describe("orlop system prune", () => {
  test("begins with containers", async () => {
    using shelf = new TestShelf();
    const engine = new FakeContainers();
    const id = engine.add({ status: "exited" });
    const { text } = await call(shelf, systemPruneCommand, ["-f"], "", engine);
    assert.equal(text, `Deleted Containers:\n${id}\n\nTotal reclaimed space: 0B\n`);
  });

  test("removes networks that nobody is on, and with --volumes what nobody has named", async () => {
    using shelf = new TestShelf();
    const engine = new FakeContainers();
    const attachment = { network: "used", aliases: [], addresses: [] };
    engine.add({ status: "running", network: { kind: "networks", attachments: [attachment], ports: [] } });
    engine.nets = ["bridge", "used", "idle"].map((name) => networkOf(name, "bridge"));
    engine.nets.push(networkOf("configured", "cni"));
    engine.kept = [volumeOf("anonymous", true), volumeOf("named", false)];
    const { text } = await call(shelf, systemPruneCommand, ["-f"], "", engine);
    assert.equal(text, "Deleted Networks:\nidle\n\nTotal reclaimed space: 0B\n");
    const withVolumes = await call(shelf, systemPruneCommand, ["-f", "--volumes"], "", engine);
    assert.equal(withVolumes.text, "Deleted Volumes:\nanonymous\n\nTotal reclaimed space: 0B\n");
    assert.deepEqual(
      engine.nets.map(({ name }) => name),
      ["bridge", "used", "configured"],
    );
  });

  test("removes what was cut off as well, and says so first", async () => {
    using shelf = new TestShelf();
    const digest = `sha256:${"1".repeat(64)}` as const;
    {
      await using ingest = await shelf.content.ingest({ digest, size: 10_000 });
      await ingest?.write(Buffer.alloc(5000, 1), 0);
    }
    const said = await call(shelf, systemPruneCommand, ["-a"], "n\n");
    assert.match(
      said.text,
      /^WARNING! This will remove:\n {2}- all pods.*\n {2}- all stopped containers\n {2}- all networks.*\n {2}- all images without.*\n {2}- .*\n {2}- .*\n\nAre you sure/,
    );
    const { text } = await call(shelf, systemPruneCommand, [], "y\n");
    assert.ok(sizes(text).endsWith(`Deleted Partial Downloads:\n${digest}\n\nTotal reclaimed space: SIZE\n`));
    assert.deepEqual(await Array.fromAsync(shelf.content.ingests()), []);
  });
});

describe("orlop system df", () => {
  test("shows what takes the disk, by kind", async () => {
    using shelf = new TestShelf();
    const empty = await call(shelf, systemDfCommand, []);
    assert.equal(
      empty.text,
      [
        "TYPE                TOTAL     ACTIVE    SIZE      RECLAIMABLE",
        "Images              0         0         0B        0B",
        "Containers          0         0         0B        0B",
        "Local Volumes       0         0         0B        0B",
        "Partial Downloads   0         0         0B        0B",
        "Garbage             0         0         0B        0B",
        "",
      ].join("\n"),
    );
    const engine = new FakeContainers();
    engine.add({ status: "running" });
    engine.add({ status: "exited" });
    const some = await call(shelf, systemDfCommand, ["--format", "{{.Type}} {{.TotalCount}} {{.Active}}"], "", engine);
    assert.match(some.text, /^Containers 2 1$/m);
    await shelf.add({ names: ["docker.io/library/app:1", "docker.io/library/app:2"], layers: [9000] });
    const { text } = await call(shelf, systemDfCommand, ["--format", "{{.Type}} {{.TotalCount}} {{.Reclaimable}}"]);
    assert.match(text, /^Images 1 [\d.]+kB \(100%\)\nContainers 0 0B\n/);
  });

  test("counts volumes, and those that a container has", async () => {
    using shelf = new TestShelf();
    const engine = new FakeContainers();
    engine.kept = [volumeOf("data", false), volumeOf("idle", false)];
    engine.add({ status: "exited", volumes: [{ name: "data", destination: "/data", isAnonymous: false }] });
    const { text } = await call(shelf, systemDfCommand, [], "", engine);
    assert.match(text, /^Local Volumes {7}2 {9}1 {9}0B/m);
    const verbose = await call(shelf, systemDfCommand, ["-v"], "", engine);
    const titles = verbose.text.match(/^.* space usage:|^Others:/gm);
    assert.deepEqual(
      titles,
      ["Images", "Containers", "Local Volumes"].map((each) => `${each} space usage:`).concat("Others:"),
    );
    assert.match(
      verbose.text,
      /^CONTAINER ID +IMAGE +COMMAND +LOCAL VOLUMES +SIZE +CREATED +STATUS +NAMES\n[0-9a-f]{12} +.* 1 +0B +/m,
    );
    assert.match(verbose.text, /^VOLUME NAME +LINKS +SIZE\ndata +1 +0B\nidle +0 +0B$/m);
  });

  test("shows with -v each image with what it shares", async () => {
    using shelf = new TestShelf();
    await shelf.add({ names: ["docker.io/library/app:1"], layers: [9000, 1000] });
    await shelf.add({ names: ["docker.io/library/app:2"], layers: [9000, 2000, 3000] });
    const { text } = await call(shelf, systemDfCommand, ["-v"]);
    const [title, , heading, ...rows] = text.split("\n");
    assert.equal(title, "Images space usage:");
    assert.match(heading ?? "", /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS$/);
    assert.match(rows[0] ?? "", /^app +[12] +[0-9a-f]{12} +N\/A +[\d.]+kB +[\d.]+kB +[\d.]+kB +0$/);
    await assert.rejects(call(shelf, systemDfCommand, ["-v", "--format", "json"]), { code: "unsupported" });
  });
});
