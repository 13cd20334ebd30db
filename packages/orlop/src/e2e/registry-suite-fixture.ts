import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MEDIA_TYPE_IMAGE_MANIFEST } from "@orlop/core";
import {
  busyboxObstacle,
  DockerRegistry,
  dockerRegistryObstacle,
  type FixtureEntry,
  LayoutWriter,
  makeBusyboxRootfs,
  makeTar,
} from "@orlop/testkit";
import { type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

const LAYERS: readonly (readonly FixtureEntry[])[] = [
  [
    { path: "etc/passwd", content: "root:x:0:0::/root:/bin/sh\nboss:x:0:0::/boss:/bin/sh\n" },
    { path: "removed", content: "old" },
    { path: "data/old", content: "old" },
    { path: "share", type: "2", target: "data" },
  ],
  [
    { path: ".wh.removed" },
    { path: "data/.wh..wh..opq" },
    { path: "share/new", content: "new" },
    { path: "big", content: Buffer.alloc(3_000_000, "orlop") },
  ],
];

/** What the cases of the suite work with. */
class Bench {
  readonly c: SuiteContext;
  #registry: DockerRegistry | undefined;

  constructor(c: SuiteContext) {
    this.c = c;
    before(() => this.#open());
    after(() => this.#registry?.[Symbol.asyncDispose]());
  }

  get host(): string {
    return this.#registry?.host ?? assert.fail("the suite has not begun");
  }

  /** An image that is in the registry and here. */
  get name(): string {
    return `${this.host}/app:1`;
  }

  /** With images of its own, unless the suite's are to be used. */
  orlop(args: readonly string[], store: string = this.c.fixture.store): Promise<CommandResult> {
    return this.c.fixture.orlop(args, { env: { ORLOP_ROOT: store } });
  }

  async output(args: readonly string[], store?: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.orlop(args, store);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  }

  async #open(): Promise<void> {
    this.#registry = await DockerRegistry.start();
    const rootfs = this.c.place("rootfs");
    makeBusyboxRootfs(rootfs);
    const layout = new LayoutWriter(this.c.place("layout"));
    const base = execFileSync("tar", ["-C", rootfs, "-cf", "-", "."], { maxBuffer: 1 << 26 });
    const tars = [base, ...LAYERS.map((entries) => makeTar(entries))];
    const config = { Cmd: ["/bin/sh", "-c", "echo $WHO"], Env: ["WHO=image", "PATH=/bin"] };
    layout.publish([layout.manifest({ layers: tars.map((tar) => ({ tar })), config })]);
    const id = await this.output(["pull", "-q", `oci:${layout.directory}`]);
    await this.output(["tag", id, this.name]);
    await this.output(["push", "-q", this.name]);
  }
}

/** Images between this machine, a registry and other tools, through the command. */
export function registrySuite(options: SuiteOptions): void {
  const skip = options.skip || busyboxObstacle() || dockerRegistryObstacle() || false;
  const c = new SuiteContext({ ...options, skip });
  describe("images of a registry", { skip }, () => {
    const bench = new Bench(c);
    pullCases(bench);
    policyCases(bench);
    runCases(bench);
    pushCases(bench);
    artifactCases(bench);
    toolCases(bench);
    c.testLeftovers();
  });
}

function pullCases(b: Bench): void {
  test("are pulled as they were pushed, and run", async () => {
    const other = b.c.place("other");
    assert.equal(await b.output(["pull", b.name], other), b.name);
    const digests = await Promise.all(
      [undefined, other].map((store) => b.output(["images", "--digests", "--format", "{{.Digest}}", b.name], store)),
    );
    assert.equal(digests[0], digests[1]);
    const script = "cat /data/new; ls /data; ls /removed /data/old 2>&1; wc -c < /big; echo $HOME";
    assert.deepEqual((await b.output(["run", "--rm", "-u", "boss", b.name, "sh", "-c", script], other)).split("\n"), [
      "newnew",
      "ls: /removed: No such file or directory",
      "ls: /data/old: No such file or directory",
      "3000000",
      "/boss",
    ]);
    assert.equal(await b.output(["run", "--rm", b.name], other), "image");
    rmSync(other, { recursive: true });
  });

  test("come by themselves when they are run, unless that is not wanted", async () => {
    const other = b.c.place("missing");
    const never = await b.orlop(["run", "--rm", "--pull", "never", b.name], other);
    assert.equal(never.exitCode, 125);
    assert.match(never.stderr, /^orlop: Cannot find image ".*app:1" on this machine\nTry orlop pull/);
    const first = await b.orlop(["run", "--rm", b.name], other);
    assert.equal(first.stdout, "image\n", first.stderr);
    assert.match(first.stderr, /app:1/);
    const second = await b.orlop(["run", "--rm", b.name], other);
    assert.deepEqual([second.stdout, second.stderr], ["image\n", ""]);
    const id = await b.output(["images", "-q", b.name], other);
    assert.equal(await b.output(["run", "--rm", id], other), "image");
    rmSync(other, { recursive: true });
  });

  test("that are pulled by several at once come once, and whole", async () => {
    const other = b.c.place("several");
    const pulls = await Promise.all([1, 2, 3].map(() => b.orlop(["pull", b.name], other)));
    for (const { exitCode, stderr } of pulls) assert.equal(exitCode, 0, stderr);
    assert.equal(await b.output(["run", "--rm", b.name], other), "image");
    const layers = readdirSync(join(other, "snapshots")).flatMap((kind) => readdirSync(join(other, "snapshots", kind)));
    assert.equal(layers.length, LAYERS.length + 1);
    rmSync(other, { recursive: true });
  });

  test("survive whatever moment a pull is killed at", async () => {
    const other = b.c.place("killed");
    const env = { ...process.env, ORLOP_ROOT: other };
    for (let afterMs = 50; afterMs <= 450; afterMs += 50) {
      const child = spawn(LAUNCHER, ["pull", "-q", b.name], { env, stdio: "ignore", detached: true });
      await Promise.race([sleep(afterMs), new Promise((resolve) => child.on("exit", resolve))]);
      if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }
    assert.equal(await b.output(["pull", "-q", b.name], other), b.name);
    assert.equal(
      await b.output(["run", "--rm", b.name, "sh", "-c", "cat /data/new; wc -c < /big"], other),
      "new3000000",
    );
    rmSync(other, { recursive: true });
  });
}

function policyCases(b: Bench): void {
  test("come only where a policy lets them", async () => {
    const other = b.c.place("policy");
    const policy = b.c.place("policy.json");
    const pull = (requirement: object): Promise<CommandResult> => {
      const transports = { docker: { [b.name]: [requirement] } };
      writeFileSync(policy, JSON.stringify({ default: [{ type: "reject" }], transports }));
      return b.orlop(["pull", "-q", "--signature-policy", policy, b.name], other);
    };
    const keyless = await pull({ type: "sigstoreSigned", keyPath: "/missing.pub" });
    assert.equal(keyless.exitCode, 1);
    assert.match(keyless.stderr, /Cannot read key "\/missing.pub"/);
    const rejected = await pull({ type: "reject" });
    assert.equal(rejected.exitCode, 1);
    assert.match(rejected.stderr, /Cannot use image ".*app:1": the policy ".*policy.json" rejects images from there/);
    assert.equal(await b.output(["images", "-q"], other), "");
    const accepted = await pull({ type: "insecureAcceptAnything" });
    assert.equal(accepted.stdout, `${b.name}\n`, accepted.stderr);
    rmSync(other, { recursive: true });
  });
}

function runCases(b: Bench): void {
  test("stay as they are whatever a container writes, and nothing of that is kept", async () => {
    await b.output(["run", "--rm", b.name, "sh", "-c", "echo changed > /etc/passwd; rm -r /data; mkdir /new"]);
    assert.equal(
      await b.output(["run", "--rm", b.name, "sh", "-c", "cat /data/new; ls -d /new 2>&1; true"]),
      "newls: /new: No such file or directory",
    );
  });

  test("leave nothing of a container on the disk, of one whose run was killed with the next one", async () => {
    const killed = b.c.fixture.orlop(
      ["run", "--rm", b.name, "sh", "-c", "echo ready > /file; echo ready; sleep 1000"],
      {
        onOutput: (_text, child) => child.kill("SIGKILL"),
      },
    );
    assert.equal((await killed).signal, "SIGKILL");
    const { exitCode, stderr } = await b.orlop(["run", "--rm", b.name, "true"]);
    assert.deepEqual([exitCode, stderr], [0, ""]);
    const kinds = readdirSync(join(b.c.fixture.store, "snapshots"));
    assert.equal(kinds.length, 1);
    const own = join(b.c.fixture.store, "snapshots", kinds[0] ?? "");
    const uppers = readdirSync(own).filter((id) => existsSync(join(own, id, "work")));
    assert.deepEqual(uppers, []);
  });

  test("tell when they come what an ordinary user does not get of them", async () => {
    const layout = new LayoutWriter(b.c.place("owners"));
    const tar = makeTar([{ path: "data/file", uid: 7, gid: 8, content: "x" }]);
    layout.publish([layout.manifest({ layers: [{ tar }] })]);
    const { exitCode, stderr } = await b.orlop(["pull", "-q", `oci:${layout.directory}`], b.c.place("losses"));
    assert.equal(exitCode, 0, stderr);
    const isRoot = process.getuid?.() === 0;
    assert.match(
      stderr,
      isRoot ? /^$/ : /^orlop: warning: 1 files of the image belong to its root .* \(data\/file of 7:8\)$/m,
    );
  });

  test("that are not there, or not images, are told of by name", async () => {
    const missing = await b.orlop(["pull", `${b.host}/missing:1`]);
    assert.equal(missing.exitCode, 1);
    assert.match(missing.stderr, /Cannot find image ".*\/missing:1": .* answered 404/);
    const bad = await b.orlop(["run", "--rm", "registry.example/Upper"]);
    assert.equal(bad.exitCode, 125);
    assert.match(bad.stderr, /repository names are in lower case/);
  });
}

function artifactCases(b: Bench): void {
  test("that are artifacts come and go as images do, and are not run", async () => {
    const { directory } = b.c.fixture;
    const layout = new LayoutWriter(join(directory, "artifact"));
    const config = layout.blob({}, "application/vnd.oci.empty.v1+json");
    const layers = [layout.blob({ parts: [] }, "application/json")];
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_MANIFEST, artifactType: "a/sbom", config, layers };
    layout.publish([layout.blob(manifest, MEDIA_TYPE_IMAGE_MANIFEST)]);
    const digest = await b.output(["pull", "-q", `oci:${layout.directory}`]);
    await b.output(["push", "-q", digest, `${b.host}/artifact:1`]);
    await b.output(["rmi", digest]);
    assert.equal(await b.output(["pull", "-q", `${b.host}/artifact:1`]), `${b.host}/artifact:1`);
    const archive = join(directory, "artifact.tar");
    await b.output(["save", "-q", "--format", "oci-archive", "-o", archive, `${b.host}/artifact:1`]);
    await b.output(["rmi", `${b.host}/artifact:1`]);
    assert.equal(await b.output(["load", "-q", "-i", archive]), `Loaded image: ${b.host}/artifact:1`);
    const run = await b.orlop(["run", "--rm", `${b.host}/artifact:1`]);
    assert.equal(run.exitCode, 125);
    const what = 'Cannot use image: it is an artifact of type "a/sbom", which has no root file system';
    assert.equal(run.stderr, `orlop: ${what}\n`);
    await b.output(["rmi", `${b.host}/artifact:1`]);
  });
}

function pushCases(b: Bench): void {
  test("are pushed with all tags of a repository that are here, and no others", async () => {
    for (const tag of ["2", "3"]) await b.output(["tag", b.name, `${b.host}/many:${tag}`]);
    await b.output(["tag", b.name, `${b.host}/many/below:4`]);
    const digest = await b.output(["images", "--digests", "--format", "{{.Digest}}", b.name]);
    const pushed = await b.output(["push", "-q", "--all-tags", `${b.host}/many`]);
    assert.deepEqual(
      pushed.split("\n"),
      ["2", "3"].map((tag) => `${b.host}/many:${tag}@${digest}`),
    );
    const other = b.c.place("all-tags");
    assert.equal(await b.output(["pull", "-q", "-a", `${b.host}/many`], other), `${b.host}/many:2\n${b.host}/many:3`);
    rmSync(other, { recursive: true });
    for (const [args, message] of [
      [[`${b.host}/many:2`], /tag can't be used with --all-tags/],
      [[`${b.host}/none`], /Cannot push ".*\/none": no image of this machine has a tag of it/],
    ] as const) {
      const { exitCode, stderr } = await b.orlop(["push", "-a", ...args]);
      assert.equal(exitCode, 1);
      assert.match(stderr, message);
    }
  });
}

function toolCases(b: Bench): void {
  const noSkopeo = spawnSync("skopeo", ["--version"]).error === undefined ? false : "not installed: skopeo";
  test("are the same to skopeo, in the registry and in archives of either form", { skip: noSkopeo }, async () => {
    const digest = await b.output(["images", "--digests", "--format", "{{.Digest}}", b.name]);
    const skopeo = (...args: readonly string[]): string => execFileSync("skopeo", args, { encoding: "utf8" });
    const inspect = skopeo("inspect", "--tls-verify=false", "--raw", `docker://${b.name}`);
    assert.equal(
      digest,
      execFileSync("sha256sum", { input: inspect, encoding: "utf8" }).replace(/^(\w+) .*\n/s, "sha256:$1"),
    );
    for (const format of ["docker-archive", "oci-archive"]) {
      const path = b.c.place(`saved-${format}`);
      await b.output(["save", "--format", format, "-o", path, b.name]);
      const copy = `${b.host}/from-${format}:1`;
      skopeo("copy", "--dest-tls-verify=false", `${format}:${path}`, `docker://${copy}`);
      assert.equal(await b.output(["run", "--rm", "-q", copy]), "image");
      const other = b.c.place(`loaded-${format}`);
      assert.match(await b.output(["load", "-q", "-i", path], other), /^Loaded image: .*\/app:1$/);
      assert.equal(await b.output(["run", "--rm", b.name], other), "image");
      rmSync(other, { recursive: true });
    }
  });
}
