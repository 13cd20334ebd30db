import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
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

/** Images between this machine, a registry and other tools, through the command. */
export function registrySuite(options: SuiteOptions): void {
  const skip = options.skip || busyboxObstacle() || dockerRegistryObstacle() || false;
  const c = new SuiteContext({ ...options, skip });

  describe("images of a registry", { skip }, () => {
    let registry: DockerRegistry;
    let name: string;

    /** With images of its own, unless the test's are to be used. */
    const orlop = (args: readonly string[], store = c.fixture.store): Promise<CommandResult> =>
      c.fixture.orlop(args, { env: { ORLOP_ROOT: store } });
    const output = async (args: readonly string[], store?: string): Promise<string> => {
      const { exitCode, stdout, stderr } = await orlop(args, store);
      assert.equal(exitCode, 0, stderr);
      return stdout.trim();
    };

    before(async () => {
      registry = await DockerRegistry.start();
      name = `${registry.host}/app:1`;
      const rootfs = c.place("rootfs");
      makeBusyboxRootfs(rootfs);
      const layout = new LayoutWriter(c.place("layout"));
      const base = execFileSync("tar", ["-C", rootfs, "-cf", "-", "."], { maxBuffer: 1 << 26 });
      const tars = [base, ...LAYERS.map((entries) => makeTar(entries))];
      const config = { Cmd: ["/bin/sh", "-c", "echo $WHO"], Env: ["WHO=image", "PATH=/bin"] };
      layout.publish([layout.manifest({ layers: tars.map((tar) => ({ tar })), config })]);
      const id = await output(["pull", "-q", `oci:${layout.directory}`]);
      await output(["tag", id, name]);
      await output(["push", "-q", name]);
    });

    after(() => registry?.[Symbol.asyncDispose]());

    test("are pulled as they were pushed, and run", async () => {
      const other = c.place("other");
      assert.equal(await output(["pull", name], other), name);
      const digests = await Promise.all(
        [undefined, other].map((store) => output(["images", "--digests", "--format", "{{.Digest}}", name], store)),
      );
      assert.equal(digests[0], digests[1]);
      const script = "cat /data/new; ls /data; ls /removed /data/old 2>&1; wc -c < /big; echo $HOME";
      assert.deepEqual((await output(["run", "-u", "boss", name, "sh", "-c", script], other)).split("\n"), [
        "newnew",
        "ls: /removed: No such file or directory",
        "ls: /data/old: No such file or directory",
        "3000000",
        "/boss",
      ]);
      assert.equal(await output(["run", name], other), "image");
      rmSync(other, { recursive: true });
    });

    test("come by themselves when they are run, unless that is not wanted", async () => {
      const other = c.place("missing");
      const never = await orlop(["run", "--pull", "never", name], other);
      assert.equal(never.exitCode, 125);
      assert.match(never.stderr, /^orlop: Cannot find image ".*app:1" on this machine\nTry orlop pull/);
      const first = await orlop(["run", name], other);
      assert.equal(first.stdout, "image\n", first.stderr);
      assert.match(first.stderr, /app:1/);
      const second = await orlop(["run", name], other);
      assert.deepEqual([second.stdout, second.stderr], ["image\n", ""]);
      const id = await output(["images", "-q", name], other);
      assert.equal(await output(["run", id], other), "image");
      rmSync(other, { recursive: true });
    });

    test("stay as they are whatever a container writes, and nothing of that is kept", async () => {
      await output(["run", name, "sh", "-c", "echo changed > /etc/passwd; rm -r /data; mkdir /new"]);
      assert.equal(
        await output(["run", name, "sh", "-c", "cat /data/new; ls -d /new 2>&1; true"]),
        "newls: /new: No such file or directory",
      );
    });

    test("that are pulled by several at once come once, and whole", async () => {
      const other = c.place("several");
      const pulls = await Promise.all([1, 2, 3].map(() => orlop(["pull", name], other)));
      for (const { exitCode, stderr } of pulls) assert.equal(exitCode, 0, stderr);
      assert.equal(await output(["run", name], other), "image");
      const layers = readdirSync(join(other, "snapshots")).flatMap((kind) =>
        readdirSync(join(other, "snapshots", kind)),
      );
      assert.equal(layers.length, LAYERS.length + 1);
      rmSync(other, { recursive: true });
    });

    test("survive whatever moment a pull is killed at", async () => {
      const other = c.place("killed");
      const env = { ...process.env, ORLOP_ROOT: other };
      for (let afterMs = 50; afterMs <= 450; afterMs += 50) {
        const child = spawn(LAUNCHER, ["pull", "-q", name], { env, stdio: "ignore", detached: true });
        await Promise.race([sleep(afterMs), new Promise((resolve) => child.on("exit", resolve))]);
        if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      }
      assert.equal(await output(["pull", "-q", name], other), name);
      assert.equal(await output(["run", name, "sh", "-c", "cat /data/new; wc -c < /big"], other), "new3000000");
      rmSync(other, { recursive: true });
    });

    test("that are not there, or not images, are told of by name", async () => {
      const missing = await orlop(["pull", `${registry.host}/missing:1`]);
      assert.equal(missing.exitCode, 1);
      assert.match(missing.stderr, /Cannot find image ".*\/missing:1": .* answered 404/);
      const bad = await orlop(["run", "registry.example/Upper"]);
      assert.equal(bad.exitCode, 125);
      assert.match(bad.stderr, /repository names are in lower case/);
    });

    const noSkopeo = spawnSync("skopeo", ["--version"]).error === undefined ? false : "not installed: skopeo";
    test("are the same to skopeo, in the registry and in archives of either form", { skip: noSkopeo }, async () => {
      const digest = await output(["images", "--digests", "--format", "{{.Digest}}", name]);
      const skopeo = (...args: readonly string[]): string => execFileSync("skopeo", args, { encoding: "utf8" });
      const inspect = skopeo("inspect", "--tls-verify=false", "--raw", `docker://${name}`);
      assert.equal(
        digest,
        execFileSync("sha256sum", { input: inspect, encoding: "utf8" }).replace(/^(\w+) .*\n/s, "sha256:$1"),
      );
      for (const format of ["docker-archive", "oci-archive"]) {
        const path = c.place(`saved-${format}`);
        await output(["save", "--format", format, "-o", path, name]);
        const copy = `${registry.host}/from-${format}:1`;
        skopeo("copy", "--dest-tls-verify=false", `${format}:${path}`, `docker://${copy}`);
        assert.equal(await output(["run", "-q", copy]), "image");
        const other = c.place(`loaded-${format}`);
        assert.match(await output(["load", "-q", "-i", path], other), /^Loaded image: .*\/app:1$/);
        assert.equal(await output(["run", name], other), "image");
        rmSync(other, { recursive: true });
      }
    });

    test("leave nothing of a container on the disk", async () => {
      await output(["run", name, "true"]);
      const kinds = readdirSync(join(c.fixture.store, "snapshots"));
      assert.equal(kinds.length, 1);
      const own = join(c.fixture.store, "snapshots", kinds[0] ?? "");
      const uppers = readdirSync(own).filter((id) => existsSync(join(own, id, "upper")));
      assert.deepEqual(uppers, []);
    });

    c.testLeftovers();
  });
}
