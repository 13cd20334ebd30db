import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import { findProgram, ownProcessMark } from "@orlop/kernel";
import { LayoutWriter, makeBusyboxRootfs } from "@orlop/testkit";
import { findLeftovers } from "../../e2e/leftovers-fixture.ts";
import { Sandbox } from "../../index.ts";
import { SecretsContext } from "./secrets-context-fixture.ts";

interface SecretsSuiteOptions {
  readonly skip: string | false;
  /** Why there is no image of busybox. */
  readonly noBusybox: string | false;
  readonly stateDirectory: string;
}

const VALUE = "sk-the-real-value-of-this-key";
/** Only a guard against hanging. */
const GONE_MAX_MS = 60_000;
const PLACEHOLDER = /^orlop-secret-[0-9a-f]{32}$/;

/** What secrets of sandboxes promise, for whoever runs them. */
export function sandboxSecretsSuite({ skip, noBusybox, stateDirectory }: SecretsSuiteOptions): void {
  const context = new SecretsContext(stateDirectory);
  before(() => (skip === false ? context.open() : undefined));
  after(() => (skip === false ? context.close() : undefined));
  describe("a secret of a sandbox", { skip }, () => {
    requestTests(context);
    placeTests(context);
  });
  describe("a secret of a sandbox of an image", { skip: skip || noBusybox }, () => imageTests(context));
  describe("secrets of sandboxes", { skip }, () => {
    test("leave nothing", async () => {
      assert.ok(context.ids.length > 5);
      assert.deepEqual(await findLeftovers(context.ids, context.stateDirectory), []);
      await noneIn(context.networks);
    });
  });
}

/** Where it goes, and where it does not. */
function requestTests(context: SecretsContext): void {
  test("is what its servers get, and its programs have a placeholder", async () => {
    await using box = await context.create({
      API_KEY: { value: VALUE, hosts: [context.api, `http://plain.localhost:${context.servers.plainPort}`] },
    });
    const placeholder = (await box.sh`printf %s "$API_KEY"`).stdout;
    assert.match(placeholder, PLACEHOLDER);
    for (const url of [`https://${context.api}/a?b`, `http://plain.localhost:${context.servers.plainPort}/a?b`]) {
      const { status, text = "" } = await context.ask(box, url);
      const [seen] = context.servers.seen.splice(0);
      const encoded = (key: string): string => `Basic ${Buffer.from(`me:${key}`).toString("base64")}`;
      assert.deepEqual(
        [seen?.url, seen?.headers["x-key"], seen?.headers.authorization],
        ["/a?b", VALUE, encoded(VALUE)],
      );
      const told = JSON.parse(text);
      assert.deepEqual([status, told["x-key"], told.authorization], [200, placeholder, encoded(placeholder)]);
    }
  });

  test("goes to no other server, whatever leads there", async () => {
    const rest = { value: "another-value", hosts: [context.other] };
    await using box = await context.create({ API_KEY: { value: VALUE, hosts: [context.api] }, REST: rest });
    assert.equal((await context.ask(box, `https://${context.other}/`)).status, 200);
    assert.match(String(context.servers.seen.splice(0)[0]?.headers["x-key"]), PLACEHOLDER);
    const { status } = await context.ask(
      box,
      `https://${context.api}/to?${encodeURIComponent(`https://${context.other}/`)}`,
    );
    const [first, second] = context.servers.seen.splice(0);
    assert.deepEqual([status, first?.headers["x-key"]], [200, VALUE]);
    assert.equal(second?.host, context.other);
    assert.match(String(second?.headers["x-key"]), PLACEHOLDER);
  });

  const noCurl = findProgram("curl") === undefined && "needs curl";
  test("is put in for clients of other libraries, and of HTTP/2", { skip: noCurl }, async () => {
    await using box = await context.create({ API_KEY: { value: VALUE, hosts: [context.api] } });
    const url = `https://${context.api}/`;
    for (const version of ["--http1.1", "--http2"]) {
      const { stdout, stderr } = await box.sh`curl -sS ${version} -H "X-Key: $API_KEY" ${url}`;
      assert.match(stdout, /"x-key":"orlop-secret-/, stderr);
      assert.equal(context.servers.seen.splice(0)[0]?.headers["x-key"], VALUE);
    }
    const wrongHost = await box.sh`curl -sS -H "X-Key: $API_KEY" -H "Host: evil.example" ${url}`;
    assert.equal(wrongHost.stdout, "orlop: this is none of the servers that the connection is for\n");
    const unknown =
      await box.sh`curl -sS --resolve evil.example:${context.servers.securePort}:127.0.0.1 https://evil.example:${context.servers.securePort}/`;
    assert.equal(unknown.exitCode, 35);
    assert.deepEqual(context.servers.seen, []);
  });
}

/** Of a sandbox's programs at once; more than are taken. */
const FLOOD = `
  const [port, url] = process.argv.slice(1);
  const sockets = Array.from({ length: 300 }, () => require("node:net").connect(port, "127.0.0.1"));
  let closed = 0;
  for (const socket of sockets) {
    socket.on("error", () => {});
    socket.on("close", () => {
      if (++closed === 44) for (const each of sockets) each.destroy();
      if (closed < sockets.length) return;
      fetch(url).then((answer) => console.log(answer.status));
    });
  }
`;

/** Where it comes from, and where it is not. */
function placeTests(context: SecretsContext): void {
  test("is not to be found where the sandbox is, nor where it is written down", async () => {
    await using box = await context.create({ API_KEY: { value: VALUE, hosts: [context.api] } });
    await context.ask(box, `https://${context.api}/`);
    context.servers.seen.splice(0);
    const half = VALUE.length / 2;
    // Not in the words of the search itself.
    const search = 'v=$1$2; grep -rslF -D skip -e "$v" /proc/[0-9]*/environ /run /etc/hosts; env | grep -F -e "$v"';
    const { stdout } = await box.run(["/bin/sh", "-c", search, "sh", VALUE.slice(0, half), VALUE.slice(half)]);
    assert.equal(stdout, "");
    const marks = [box.id, ownProcessMark()];
    const own = readdirSync(context.stateDirectory, { recursive: true, encoding: "utf8" })
      .filter((path) => marks.some((mark) => path.includes(mark)))
      .map((path) => join(context.stateDirectory, path));
    assert.ok(own.length > 2, own.join(" "));
    assert.deepEqual(filesWith(own, VALUE), []);
    assert.ok(!inspect(box, { depth: null, showHidden: true }).includes(VALUE));
    const failed = await Sandbox.create({
      image: "host",
      secrets: { A: { value: `${VALUE}\n`, hosts: [context.api] } },
    }).catch(inspect);
    assert.match(String(failed), /printable ASCII/);
    assert.ok(!String(failed).includes(VALUE));
  });

  test("is put in again after more connections than are taken", async () => {
    await using box = await context.create({ API_KEY: { value: VALUE, hosts: [context.api] } });
    const words = [process.execPath, "-e", FLOOD, `${context.servers.securePort}`, `https://${context.api}/`];
    assert.equal((await box.run(words)).stdout, "200\n");
    context.servers.seen.splice(0);
  });

  test("is for port 443 where none is said, and what cannot be reached is told", async () => {
    await using box = await context.create({
      API_KEY: { value: VALUE, hosts: ["api.localhost", "no-such-name.invalid"] },
    });
    const { status, text = "" } = await context.ask(box, "https://no-such-name.invalid/");
    assert.equal(status, 502);
    assert.match(text, /^orlop: cannot reach no-such-name\.invalid:443: E[A-Z_]+\n$/);
  });

  test("is not put in any more when the process that has it was killed", async () => {
    const script = join(import.meta.dirname, "killed-script-fixture.ts");
    const maker = spawn(process.execPath, ["-C", "source", script], { stdio: ["pipe", "pipe", "inherit"] });
    const [line] = await once(createInterface({ input: maker.stdout }), "line");
    const [id, network] = String(line).split(" ");
    context.ids.push(id ?? "");
    context.networks.push(network ?? "");
    maker.kill("SIGKILL");
    await once(maker, "exit");
    await noneIn([network ?? ""]);
    // The next one removes what has been left.
    await using _ = await context.create({ API_KEY: { value: VALUE, hosts: [context.api] } });
  });

  test("comes from variables and files, too", async () => {
    const file = join(context.directory, "key");
    writeFileSync(file, `${VALUE}-of-a-file\n`);
    process.env.ORLOP_TEST_KEY = `${VALUE}-of-a-variable`;
    for (const source of [{ file }, { env: "ORLOP_TEST_KEY" }]) {
      await using box = await context.create({ API_KEY: { ...source, hosts: [context.api] } });
      await context.ask(box, `https://${context.api}/`);
      const [from] = Object.keys(source);
      assert.equal(
        context.servers.seen.splice(0)[0]?.headers["x-key"],
        `${VALUE}-of-a-${from === "env" ? "variable" : from}`,
      );
    }
    delete process.env.ORLOP_TEST_KEY;
  });
}

function imageTests(context: SecretsContext): void {
  test("leaves its files alone, and forks have it with placeholders of their own", async () => {
    const image = { oci: makeImage(context.directory) };
    const plain = `plain.localhost:${context.servers.plainPort}`;
    await using box = await context.create({ API_KEY: { value: VALUE, hosts: [`http://${plain}`] } }, { image });
    const get = (one: Sandbox): Promise<{ stdout: string }> =>
      one.sh`wget -q -O - --header "X-Key: $API_KEY" http://${plain}/; printf %s "$API_KEY"`;
    const first = await get(box);
    assert.equal(context.servers.seen.splice(0)[0]?.headers["x-key"], VALUE);
    assert.deepEqual(await box.fs.diff(), []);
    assert.deepEqual(filesWith([join(context.directory, "store")], VALUE), []);
    await using snapshot = await box.snapshot();
    assert.ok(!inspect(snapshot, { depth: null, showHidden: true }).includes(VALUE));
    await using forks = await Sandbox.fork(snapshot, 2);
    const answers = await Promise.all(forks.map(get));
    context.ids.push(...forks.map(({ id }) => id));
    assert.equal(new Set([first, ...answers].map(({ stdout }) => stdout.slice(-32))).size, 3);
    assert.deepEqual(
      context.servers.seen.splice(0).map(({ headers }) => headers["x-key"]),
      [VALUE, VALUE],
    );
  });
}

function makeImage(directory: string): string {
  const rootfs = join(directory, "rootfs");
  makeBusyboxRootfs(rootfs);
  const tar = execFileSync("tar", ["-C", rootfs, "-cf", "-", "."], { maxBuffer: 1 << 26 });
  const layout = new LayoutWriter(join(directory, "layout"));
  layout.publish([layout.manifest({ layers: [{ tar }], config: { Env: ["PATH=/bin"] } })]);
  return layout.directory;
}

/** Files there, and in directories, that have a text in them. */
function filesWith(paths: readonly string[], text: string): readonly string[] {
  const words = ["-rslF", "-D", "skip", "-e", text, ...paths];
  const { stdout, error } = spawnSync("grep", words, { encoding: "utf8" });
  assert.equal(error, undefined);
  return stdout.split("\n").filter((path) => path !== "");
}

/** Waits until no process is on these networks: who carries ends when the other side has. */
async function noneIn(networks: readonly string[]): Promise<void> {
  const deadlineMs = Date.now() + GONE_MAX_MS;
  while (inNetworks(networks).length > 0 && Date.now() < deadlineMs) await delay(20);
  assert.deepEqual(inNetworks(networks), []);
}

/** Processes that are on one of these networks, as far as one may know. */
function inNetworks(networks: readonly string[]): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && networks.includes(readlinkSync(`/proc/${pid}/ns/net`));
    } catch {
      return false;
    }
  });
}
