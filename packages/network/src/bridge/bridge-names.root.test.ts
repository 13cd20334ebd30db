import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { suite, type TestContext, test } from "node:test";
import { findProgram } from "@orlop/kernel";
import { NetworkBench, NETWORK_BENCH_WORLD as WORLD } from "@orlop/testkit";
import { bridgeObstacle, makeBridgeDriver } from "./bridge-subject-fixture.ts";

const PROGRAM = new URL("./names-program-fixture.ts", import.meta.url).pathname;

/** Programs of others that ask, where they are. */
const CLIENTS = [
  ["busybox", "nslookup", "NAME", "SERVER"],
  ["dig", "+short", "@SERVER", "NAME"],
  ["nslookup", "NAME", "SERVER"],
] as const;

function start(namespace: string, ...args: readonly string[]): ChildProcess {
  const words = [`--net=${namespace}`, process.execPath, "-C", "source", PROGRAM, ...args];
  return spawn("nsenter", words, { stdio: ["pipe", "pipe", "inherit"] });
}

/** A program that says something in lines, until it is disposed of. */
class Speaker implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(namespace: string, ...args: readonly string[]) {
    this.#child = start(namespace, ...args);
    if (this.#child.stdout === null) throw new Error("it has an output");
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async tell(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`);
    return await this.hear();
  }

  async hear(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("it has ended");
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

async function ask(namespace: string, server: string, name: string, kind = "A"): Promise<string> {
  const child = start(namespace, "ask", server, name, kind);
  const [said] = await Promise.all([text(child.stdout as NodeJS.ReadableStream), once(child, "exit")]);
  return said.trim();
}

async function openBench(t: TestContext): Promise<NetworkBench | undefined> {
  const obstacle = bridgeObstacle();
  if (obstacle === undefined) return await NetworkBench.open(makeBridgeDriver);
  t.skip(obstacle);
  return undefined;
}

function serve(bench: NetworkBench): Speaker {
  return new Speaker(bench.hostPath, "serve", join(bench.directory, "metadata.db"), WORLD.address4);
}

suite("names of bridges", () => {
  test("are answered on a network's gateway, as endpoints come and go, and others' by the host's server", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    const { driver } = bench;
    await using worldNames = new Speaker((await bench.world()).path, "world", WORLD.address4);
    assert.equal(await worldNames.hear(), "ready");
    const network = await driver.create({ name: "app", ipv6: true });
    const gateway = network.subnets[0]?.gateway ?? "";
    const one = await bench.container({ network: "app", names: ["one", "first"] });
    assert.equal(one.endpoint.resolvers.servers[0], gateway);
    await using server = serve(bench);
    assert.equal(await server.tell("app container-1"), "true");
    const two = await bench.container({ network: "app", names: ["two"] });
    assert.equal(await server.tell("app container-2"), "true");
    const addressOf = (isSix: boolean): string =>
      two.endpoint.addresses.find((each) => each.includes(":") === isSix)?.split("/")[0] ?? "";
    for (const each of network.subnets.map((subnet) => subnet.gateway)) {
      assert.equal(await ask(one.path, each, "two"), addressOf(false), each);
    }
    assert.equal(await ask(one.path, gateway, "two", "AAAA"), addressOf(true));
    assert.equal(await ask(two.path, gateway, "first.app"), one.address);
    assert.equal(await ask(one.path, gateway, two.address, "PTR"), "two.app");
    for (const program of CLIENTS.filter(([name]) => findProgram(name) !== undefined)) {
      const words = program.map((word) => word.replace("SERVER", gateway).replace("NAME", "two.app"));
      const { stdout } = spawnSync("nsenter", [`--net=${one.path}`, ...words], { encoding: "utf8" });
      assert.ok(stdout.split(/\s+/).includes(addressOf(false)), `${words.join(" ")}: ${stdout}`);
    }
    assert.equal(await ask(one.path, gateway, "three.app.orlop.internal"), "ENOTFOUND");
    assert.equal(await ask(one.path, gateway, "www.example"), WORLD.address4);
    assert.equal((await ask(one.path, gateway, "many.example")).split(" ").length, 100, "by TCP");
    await driver.disconnect("app", "container-2");
    assert.notEqual(await ask(one.path, gateway, "two"), addressOf(false));
    await driver.disconnect("app", "container-1");
    assert.equal(await server.hear(), "ended");
  });

  test("decide what an egress policy lets out to, and nothing else is asked for", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    const { driver } = bench;
    const world = await bench.world();
    for (const port of [80, 443]) await world.listen("tcp", "0.0.0.0", port);
    await using worldNames = new Speaker(world.path, "world", WORLD.address4);
    assert.equal(await worldNames.hear(), "ready");
    const allow = [{ to: "good.example", protocol: "tcp", ports: [443, 443] }] as const;
    const { peer, path, endpoint } = await bench.container({ egress: { allow } });
    const [gateway = ""] = endpoint.gateways;
    assert.deepEqual(endpoint.resolvers.servers.includes(WORLD.address4), false);
    await using server = serve(bench);
    assert.equal(await server.tell(`${driver.defaultNetwork} container-1`), "true");
    assert.equal(await peer.hearsNothing("tcp", WORLD.address4, 443), true, "nobody has asked for the name yet");
    assert.equal(await ask(path, gateway, "evil.example"), "EREFUSED");
    assert.equal(await peer.hearsNothing("udp", WORLD.address4, 53), true);
    assert.equal(await ask(path, gateway, "good.example"), WORLD.address4);
    assert.equal(await peer.ask("tcp", WORLD.address4, 443), `world ${WORLD.host4}`);
    assert.equal(await peer.hearsNothing("tcp", WORLD.address4, 80), true);
    await peer.open(WORLD.address4, 443);
    await driver.cleanup();
    assert.equal(await peer.say(443), `world ${WORLD.host4}`, "a clean-up keeps what was found");
    assert.equal(await peer.ask("tcp", WORLD.address4, 443), `world ${WORLD.host4}`);
    const wide = [{ to: "*.example", protocol: "tcp", ports: [80, 500] }] as const;
    await driver.setEgress(driver.defaultNetwork, endpoint.id, { allow: [...allow, ...wide] });
    assert.equal(await peer.say(443), `world ${WORLD.host4}`);
    assert.equal(await peer.ask("tcp", WORLD.address4, 80), `world ${WORLD.host4}`, "the name is known already");
    assert.equal(await ask(path, gateway, "other.example"), WORLD.address4, "two names with one address");
    await driver.setEgress(driver.defaultNetwork, endpoint.id, { allow: [] });
    assert.equal(await peer.isCutOff(443), true);
    assert.equal(await peer.hearsNothing("tcp", WORLD.address4, 443), true);
  });

  test("are answered on an internal network, of which nothing leads out, and after the server was killed", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    const { driver } = bench;
    await bench.world();
    const network = await driver.create({ name: "vault", internal: true });
    const gateway = network.subnets[0]?.gateway ?? "";
    const one = await bench.container({ network: "vault", names: ["one"] });
    const two = await bench.container({ network: "vault", names: ["two"] });
    assert.deepEqual(one.endpoint.resolvers.servers, [gateway]);
    for (let round = 0; round < 2; round++) {
      await using server = serve(bench);
      assert.equal(await server.tell("vault container-1"), "true");
      assert.equal(await ask(one.path, gateway, "two"), two.address);
      assert.equal(await ask(one.path, gateway, "www.example"), "EREFUSED");
    }
    assert.equal(await ask(one.path, gateway, "two"), "ECONNREFUSED", "nobody is there");
    for (const id of ["container-1", "container-2"]) await driver.disconnect("vault", id);
    await driver.remove("vault");
    await driver.cleanup();
  });
});
