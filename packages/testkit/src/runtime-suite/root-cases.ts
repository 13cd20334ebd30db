import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RootFilesystem } from "@orlop/core";
import type { RuntimeBench } from "./runtime-bench.ts";
import type { RuntimeSuiteCase } from "./suite-case.ts";

/** A layer of its own with one file. */
function layer(bench: RuntimeBench, name: string): string {
  const path = bench.path(name);
  mkdirSync(join(path, "etc"), { recursive: true });
  writeFileSync(join(path, "etc", name), `${name}\n`);
  return path;
}

/** The forms that a root file system comes in, and requests that cannot be carried out. */
export const rootCases: readonly RuntimeSuiteCase[] = [
  {
    title: "takes the directory that the spec names",
    async check(bench) {
      await bench.run("echo written >/written");
      assert.equal(readFileSync(join(bench.rootfs, "written"), "utf8"), "written\n");
    },
  },
  {
    title: "takes a directory that the request names instead",
    async check(bench) {
      const request = bench.request("echo written >/written");
      const rootfs: RootFilesystem = { kind: "directory", path: bench.rootfs };
      await bench.run("", { ...request, rootfs, spec: { ...request.spec, root: { path: "elsewhere" } } });
      assert.ok(existsSync(join(bench.rootfs, "written")));
    },
  },
  {
    title: "lays layers over each other and throws the container's writes away",
    async check(bench) {
      const lower = [layer(bench, "upper"), layer(bench, "middle"), bench.rootfs];
      const rootfs: RootFilesystem = { kind: "overlay", lower, writes: "discard" };
      const { id } = await bench.run(
        "cat /etc/upper /etc/middle; echo gone >/etc/upper; rm /etc/passwd; cat /etc/upper",
        {
          rootfs,
        },
      );
      assert.equal(bench.output(id), "upper\nmiddle\ngone\n");
      assert.equal(readFileSync(join(bench.path("upper"), "etc/upper"), "utf8"), "upper\n");
      assert.ok(existsSync(join(bench.rootfs, "etc/passwd")));
    },
  },
  {
    title: "keeps the container's writes in an upper directory",
    async check(bench) {
      const writes = { upper: bench.path("writes"), work: bench.path("work") };
      mkdirSync(writes.upper);
      mkdirSync(writes.work);
      const rootfs: RootFilesystem = { kind: "overlay", lower: [bench.rootfs], writes };
      await bench.run("echo kept >/etc/kept", { rootfs });
      assert.equal(readFileSync(join(writes.upper, "etc/kept"), "utf8"), "kept\n");
      assert.equal(existsSync(join(bench.rootfs, "etc/kept")), false);
      const { id } = await bench.run("cat /etc/kept", { rootfs });
      assert.equal(bench.output(id), "kept\n");
    },
  },
  {
    title: "puts a tree together",
    async check(bench) {
      const directories = ["proc", "dev", "sys", "tmp", "etc"];
      const rootfs: RootFilesystem = {
        kind: "tree",
        entries: [
          ...directories.map((path) => ({ kind: "directory", path, mode: 0o755 }) as const),
          { kind: "overlay", path: "bin", lower: join(bench.rootfs, "bin") },
          { kind: "symlink", path: "link", target: "etc/passwd" },
          { kind: "bind", path: "etc/passwd", source: join(bench.rootfs, "etc/passwd"), file: true },
        ],
      };
      const script =
        "head -n 1 /link; echo new >/bin/new && cat /bin/new; (: >>/etc/passwd) 2>/dev/null || echo read-only";
      const { id } = await bench.run(script, { rootfs });
      assert.equal(bench.output(id), "root:x:0:0:root:/root:/bin/sh\nnew\nread-only\n");
      assert.equal(existsSync(join(bench.rootfs, "bin/new")), false);
    },
  },
  {
    title: "puts a tree together on layers, and keeps what is written to each of its parts",
    async check(bench) {
      const keeps = (name: string): { readonly upper: string; readonly work: string } => {
        const [upper = "", work = ""] = ["upper", "work"].map((part) => bench.path(`${name}-${part}`));
        for (const path of [upper, work]) mkdirSync(path);
        return { upper, work };
      };
      const [base, part] = [keeps("base"), keeps("part")];
      const lower = layer(bench, "part");
      mkdirSync(join(lower, "etc/whole/deep"), { recursive: true });
      const rootfs: RootFilesystem = {
        kind: "tree",
        base: { kind: "overlay", lower: [bench.rootfs], writes: base },
        entries: [
          { kind: "overlay", path: "new/part", lower, writes: part },
          { kind: "overlay", path: "bin", lower: join(bench.rootfs, "bin") },
        ],
      };
      const script =
        "cd /new/part/etc && cat part && rm part && mv whole moved && echo kept >/kept && echo gone >/bin/new";
      const { id, exitCode } = await bench.run(script, { rootfs });
      assert.deepEqual([bench.output(id), exitCode], ["part\n", 0]);
      assert.equal(readFileSync(join(base.upper, "kept"), "utf8"), "kept\n");
      assert.equal(existsSync(join(base.upper, "bin/new")), false);
      assert.ok(existsSync(join(part.upper, "etc/moved/deep")), "all of what is renamed is there");
      assert.ok(statSync(join(part.upper, "etc/part")).isCharacterDevice());
      assert.ok(existsSync(join(lower, "etc/part")));
    },
  },
  {
    title: "runs a small init that reaps orphans and forwards signals",
    async check(bench) {
      const script = "trap 'exit 9' TERM; echo pid $$; (sleep 0.01 &) ; echo ready; while :; do sleep 0.05; done";
      const id = await bench.start(script, { init: true });
      await bench.outputHas(id, "ready");
      assert.doesNotMatch(bench.output(id), /^pid 1\n/);
      await bench.runtime.signal(id, 15);
      assert.equal((await bench.runtime.wait(id)).exitCode, 9);
      await bench.runtime.delete(id);
    },
  },
];

async function refuses(
  bench: RuntimeBench,
  code: string,
  change: (bench: RuntimeBench) => Parameters<RuntimeBench["request"]>[1],
) {
  const request = bench.request("true", change(bench));
  const attempt = async (): Promise<void> => {
    await bench.runtime.create(request);
    await bench.runtime.start(request.id);
  };
  await assert.rejects(attempt(), { code });
  await bench.runtime.delete(request.id, { force: true });
  assert.deepEqual(await bench.runtime.list(), []);
}

function withArgs(...args: readonly string[]) {
  return (bench: RuntimeBench) => {
    const id = bench.newId();
    return { id, spec: bench.spec(id, { args }) };
  };
}

/** Requests that cannot be carried out. Each leaves nothing. */
export const refusalCases: readonly RuntimeSuiteCase[] = [
  {
    title: "refuses a program that is on no path",
    check: (bench) => refuses(bench, "executable-not-found", withArgs("no-such-program")),
  },
  {
    title: "refuses an absolute path to no program",
    check: (bench) => refuses(bench, "executable-not-found", withArgs("/no/such/program")),
  },
  {
    title: "refuses a program without the execute permission",
    check: (bench) => refuses(bench, "executable-refused", withArgs("/etc/passwd")),
  },
  {
    title: "refuses a root file system that does not exist",
    check: (bench) =>
      refuses(bench, "not-found", () => ({ rootfs: { kind: "directory", path: bench.path("nowhere") } })),
  },
  {
    title: "refuses a mount whose source does not exist",
    check: (bench) =>
      refuses(bench, "not-found", () => {
        const id = bench.newId();
        const spec = bench.spec(id, { args: ["true"] });
        const mount = { destination: "/mnt", source: bench.path("nowhere"), options: ["bind"] };
        return { id, spec: { ...spec, mounts: [...(spec.mounts ?? []), mount] } };
      }),
  },
  {
    title: "makes a container after one that could not be made",
    async check(bench) {
      await refuses(bench, "executable-not-found", withArgs("/no/such/program"));
      assert.equal((await bench.run("exit 2")).exitCode, 2);
    },
  },
];
