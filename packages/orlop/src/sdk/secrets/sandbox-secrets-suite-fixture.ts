import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import { findProgram, ownProcessMark } from "@orlop/kernel";
import { LayoutWriter, makeBusyboxRootfs } from "@orlop/testkit";
import { findLeftovers } from "../../e2e/leftovers-fixture.ts";
import { Sandbox, type SandboxOptions, type SandboxSecret } from "../../index.ts";
import { Servers } from "./servers-fixture.ts";

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

/** Asks with the key in two fields, and prints what comes. */
const CLIENT = `
  const key = process.env.API_KEY;
  const headers = { "x-key": key, authorization: "Basic " + btoa("me:" + key) };
  fetch(process.argv[1], { headers }).then(
    async (answer) => console.log(JSON.stringify({ status: answer.status, text: await answer.text() })),
    (error) => console.log(JSON.stringify({ code: error.cause?.code })),
  );
`;

interface Answer {
  readonly status?: number;
  readonly text?: string;
  readonly code?: string;
}

/** What secrets of sandboxes promise, for whoever runs them. */
export function sandboxSecretsSuite({ skip, noBusybox, stateDirectory }: SecretsSuiteOptions): void {
  const rootBefore = process.env.ORLOP_ROOT;
  const ids: string[] = [];
  const networks: string[] = [];
  let directory = "";
  let servers: Servers;
  before(async () => {
    if (skip !== false) return;
    directory = mkdtempSync(join(tmpdir(), "orlop-sandbox-secrets-"));
    process.env.ORLOP_ROOT = join(directory, "store");
    servers = await Servers.start({ names: ["api.localhost", "other.localhost"] });
  });
  after(async () => {
    if (skip !== false) return;
    if (rootBefore === undefined) delete process.env.ORLOP_ROOT;
    else process.env.ORLOP_ROOT = rootBefore;
    await servers[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const api = (): string => `api.localhost:${servers.securePort}`;
  const other = (): string => `other.localhost:${servers.securePort}`;
  const create = async (
    secrets: Readonly<Record<string, SandboxSecret>>,
    options: Partial<SandboxOptions> = {},
  ): Promise<Sandbox> => {
    const box = await Sandbox.create({ image: "host", secrets, ...options });
    ids.push(box.id);
    networks.push((await box.$`readlink /proc/self/ns/net`).stdout.trim());
    return box;
  };
  const ask = async (box: Sandbox, url: string): Promise<Answer> =>
    JSON.parse((await box.run([process.execPath, "-e", CLIENT, url])).stdout) as Answer;

  describe("a secret of a sandbox", { skip }, () => {
    test("is what its servers get, and its programs have a placeholder", async () => {
      await using box = await create({
        API_KEY: { value: VALUE, hosts: [api(), `http://plain.localhost:${servers.plainPort}`] },
      });
      const placeholder = (await box.sh`printf %s "$API_KEY"`).stdout;
      assert.match(placeholder, PLACEHOLDER);
      for (const url of [`https://${api()}/a?b`, `http://plain.localhost:${servers.plainPort}/a?b`]) {
        const { status, text = "" } = await ask(box, url);
        const [seen] = servers.seen.splice(0);
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
      const rest = { value: "another-value", hosts: [other()] };
      await using box = await create({ API_KEY: { value: VALUE, hosts: [api()] }, REST: rest });
      assert.equal((await ask(box, `https://${other()}/`)).status, 200);
      assert.match(String(servers.seen.splice(0)[0]?.headers["x-key"]), PLACEHOLDER);
      const { status } = await ask(box, `https://${api()}/to?${encodeURIComponent(`https://${other()}/`)}`);
      const [first, second] = servers.seen.splice(0);
      assert.deepEqual([status, first?.headers["x-key"]], [200, VALUE]);
      assert.equal(second?.host, other());
      assert.match(String(second?.headers["x-key"]), PLACEHOLDER);
    });

    const noCurl = findProgram("curl") === undefined && "needs curl";
    test("is put in for clients of other libraries, and of HTTP/2", { skip: noCurl }, async () => {
      await using box = await create({ API_KEY: { value: VALUE, hosts: [api()] } });
      const url = `https://${api()}/`;
      for (const version of ["--http1.1", "--http2"]) {
        const { stdout, stderr } = await box.sh`curl -sS ${version} -H "X-Key: $API_KEY" ${url}`;
        assert.match(stdout, /"x-key":"orlop-secret-/, stderr);
        assert.equal(servers.seen.splice(0)[0]?.headers["x-key"], VALUE);
      }
      const wrongHost = await box.sh`curl -sS -H "X-Key: $API_KEY" -H "Host: evil.example" ${url}`;
      assert.equal(wrongHost.stdout, "orlop: this is none of the servers that the connection is for\n");
      const unknown =
        await box.sh`curl -sS --resolve evil.example:${servers.securePort}:127.0.0.1 https://evil.example:${servers.securePort}/`;
      assert.equal(unknown.exitCode, 35);
      assert.deepEqual(servers.seen, []);
    });

    test("is not to be found where the sandbox is, nor where it is written down", async () => {
      await using box = await create({ API_KEY: { value: VALUE, hosts: [api()] } });
      await ask(box, `https://${api()}/`);
      servers.seen.splice(0);
      const half = VALUE.length / 2;
      // Not in the words of the search itself.
      const search = 'v=$1$2; grep -rslF -D skip -e "$v" /proc/[0-9]*/environ /run /etc/hosts; env | grep -F -e "$v"';
      const { stdout } = await box.run(["/bin/sh", "-c", search, "sh", VALUE.slice(0, half), VALUE.slice(half)]);
      assert.equal(stdout, "");
      const marks = [box.id, ownProcessMark()];
      const own = readdirSync(stateDirectory, { recursive: true, encoding: "utf8" })
        .filter((path) => marks.some((mark) => path.includes(mark)))
        .map((path) => join(stateDirectory, path));
      assert.ok(own.length > 2, own.join(" "));
      assert.deepEqual(filesWith(own, VALUE), []);
      assert.ok(!inspect(box, { depth: null, showHidden: true }).includes(VALUE));
      const failed = await Sandbox.create({
        image: "host",
        secrets: { A: { value: `${VALUE}\n`, hosts: [api()] } },
      }).catch(inspect);
      assert.match(String(failed), /printable ASCII/);
      assert.ok(!String(failed).includes(VALUE));
    });

    test("is for port 443 where none is said, and what cannot be reached is told", async () => {
      await using box = await create({ API_KEY: { value: VALUE, hosts: ["api.localhost", "no-such-name.invalid"] } });
      const { status, text = "" } = await ask(box, "https://no-such-name.invalid/");
      assert.equal(status, 502);
      assert.match(text, /^orlop: cannot reach no-such-name\.invalid:443: E[A-Z_]+\n$/);
    });

    test("is not put in any more when the process that has it was killed", async () => {
      const script = join(import.meta.dirname, "killed-script-fixture.ts");
      const maker = spawn(process.execPath, ["-C", "source", script], { stdio: ["pipe", "pipe", "inherit"] });
      const [line] = await once(createInterface({ input: maker.stdout }), "line");
      const [id, network] = String(line).split(" ");
      ids.push(id ?? "");
      networks.push(network ?? "");
      maker.kill("SIGKILL");
      await once(maker, "exit");
      await noneIn([network ?? ""]);
      // The next one removes what has been left.
      await using _ = await create({ API_KEY: { value: VALUE, hosts: [api()] } });
    });

    test("comes from variables and files, too", async () => {
      const file = join(directory, "key");
      writeFileSync(file, `${VALUE}-of-a-file\n`);
      process.env.ORLOP_TEST_KEY = `${VALUE}-of-a-variable`;
      for (const source of [{ file }, { env: "ORLOP_TEST_KEY" }]) {
        await using box = await create({ API_KEY: { ...source, hosts: [api()] } });
        await ask(box, `https://${api()}/`);
        const [from] = Object.keys(source);
        assert.equal(
          servers.seen.splice(0)[0]?.headers["x-key"],
          `${VALUE}-of-a-${from === "env" ? "variable" : from}`,
        );
      }
      delete process.env.ORLOP_TEST_KEY;
    });
  });

  describe("a secret of a sandbox of an image", { skip: skip || noBusybox }, () => {
    test("leaves its files alone, and forks have it with placeholders of their own", async () => {
      const image = { oci: makeImage(directory) };
      const plain = `plain.localhost:${servers.plainPort}`;
      await using box = await create({ API_KEY: { value: VALUE, hosts: [`http://${plain}`] } }, { image });
      const get = (one: Sandbox): Promise<{ stdout: string }> =>
        one.sh`wget -q -O - --header "X-Key: $API_KEY" http://${plain}/; printf %s "$API_KEY"`;
      const first = await get(box);
      assert.equal(servers.seen.splice(0)[0]?.headers["x-key"], VALUE);
      assert.deepEqual(await box.fs.diff(), []);
      assert.deepEqual(filesWith([join(directory, "store")], VALUE), []);
      await using snapshot = await box.snapshot();
      assert.ok(!inspect(snapshot, { depth: null, showHidden: true }).includes(VALUE));
      await using forks = await Sandbox.fork(snapshot, 2);
      const answers = await Promise.all(forks.map(get));
      ids.push(...forks.map(({ id }) => id));
      assert.equal(new Set([first, ...answers].map(({ stdout }) => stdout.slice(-32))).size, 3);
      assert.deepEqual(
        servers.seen.splice(0).map(({ headers }) => headers["x-key"]),
        [VALUE, VALUE],
      );
    });
  });

  describe("secrets of sandboxes", { skip }, () => {
    test("leave nothing", async () => {
      assert.ok(ids.length > 5);
      assert.deepEqual(await findLeftovers(ids, stateDirectory), []);
      await noneIn(networks);
    });
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
