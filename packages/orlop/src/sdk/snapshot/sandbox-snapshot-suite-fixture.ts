import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { LayoutWriter, makeBusyboxRootfs } from "@orlop/testkit";
import { findLeftovers } from "../../e2e/leftovers-fixture.ts";
import { Sandbox, type SandboxOptions } from "../../index.ts";
import { Depot } from "../../store/open-depot.ts";

interface SnapshotSuiteOptions {
  readonly skip: string | false;
  readonly stateDirectory: string;
}

/** What snapshots of sandboxes promise, for whoever runs them. */
export function sandboxSnapshotSuite({ skip, stateDirectory }: SnapshotSuiteOptions): void {
  const rootBefore = process.env.ORLOP_ROOT;
  const ids: string[] = [];
  let directory = "";
  before(() => {
    if (skip !== false) return;
    directory = mkdtempSync(join(tmpdir(), "orlop-sandbox-snapshot-"));
    process.env.ORLOP_ROOT = join(directory, "store");
    makeImage(directory);
  });
  after(() => {
    if (rootBefore === undefined) delete process.env.ORLOP_ROOT;
    else process.env.ORLOP_ROOT = rootBefore;
    if (directory !== "") rmSync(directory, { recursive: true, force: true });
  });

  const create = async (options: Partial<SandboxOptions> = {}): Promise<Sandbox> => {
    const box = await Sandbox.create({ image: { oci: join(directory, "layout") }, ...options });
    ids.push(box.id);
    return box;
  };

  describe("a sandbox of an image", { skip }, () => {
    diffTests(create, () => directory);
    forkTests(create, ids);

    test("leaves nothing in the store, nor does any snapshot of it", async () => {
      assert.ok(ids.length > 5);
      assert.deepEqual(await findLeftovers(ids, stateDirectory), []);
      await using depot = new Depot(join(directory, "store"));
      assert.deepEqual(await depot.leases.list(), []);
      const keys = (await depot.snapshotters()).flatMap((each) => each.records().map(({ key }) => key));
      assert.deepEqual(
        keys.filter((key) => /^(sandbox|container)-/.test(key)),
        [],
      );
    });
  });
}

function makeImage(directory: string): void {
  const rootfs = join(directory, "rootfs");
  makeBusyboxRootfs(rootfs);
  mkdirSync(join(rootfs, "data"));
  for (const name of ["kept", "old"]) writeFileSync(join(rootfs, "data", name), `${name}\n`);
  const tar = execFileSync("tar", ["-C", rootfs, "-cf", "-", "."], { maxBuffer: 1 << 26 });
  const layout = new LayoutWriter(join(directory, "layout"));
  layout.publish([layout.manifest({ layers: [{ tar }], config: { Env: ["PATH=/bin", "OF=image"] } })]);
}

type Create = (options?: Partial<SandboxOptions>) => Promise<Sandbox>;

function diffTests(create: Create, directory: () => string): void {
  test("tells what was written, and not what lies in its mounts", async () => {
    await using box = await create({ mounts: [{ from: directory(), to: "/mnt", mode: "overlay" }] });
    assert.deepEqual(await box.fs.diff(), []);
    await box.sh`echo new > /data/new; echo more >> /data/kept; rm /data/old; echo x > /mnt/x`;
    assert.deepEqual(await box.fs.diff(), [
      { kind: "changed", path: "/data" },
      { kind: "changed", path: "/data/kept" },
      { kind: "added", path: "/data/new" },
      { kind: "deleted", path: "/data/old" },
    ]);
  });

  test("is what a limit on the disk is for", async () => {
    const limited = Sandbox.create({ image: "host", disk: "1MiB" });
    await assert.rejects(limited, { code: "unsupported", message: /no snapshot of an image\nTry an image\.$/ });
  });
}

function forkTests(create: Create, ids: string[]): void {
  test("is the beginning of others, which keep to themselves what they write", async () => {
    await using box = await create({ env: { BY: "maker" } });
    await box.sh`echo prepared > /data/new; rm /data/old; mkdir /work; ln -s new /data/link`;
    await using snapshot = await box.snapshot();
    await box.sh`echo later > /data/new`;
    await using forks = await Sandbox.fork(snapshot, 3, { workdir: "/data" });
    ids.push(...forks.map(({ id }) => id));
    const seen = await Promise.all(
      forks.map(async (fork, index) => {
        await fork.fs.write("/data/mine", `${index}`);
        return (await fork.sh`echo $OF $BY; cat link mine; ls; ls -d /work`).stdout;
      }),
    );
    assert.deepEqual(
      seen,
      [0, 1, 2].map((index) => `image maker\nprepared\n${index}kept\nlink\nmine\nnew\n/work\n`),
    );
    assert.deepEqual(
      (await forks[0]?.fs.diff())?.map(({ path }) => path),
      ["/data", "/data/mine"],
    );
    assert.equal(await box.fs.readText("/data/new"), "later\n");
  });

  test("goes, and snapshots of it as well, and what was forked of them goes on", async () => {
    const box = await create();
    await box.fs.write("/first", "1");
    const first = await box.snapshot();
    await box[Symbol.asyncDispose]();
    const [fork] = await Sandbox.fork(first, 1);
    assert.ok(fork !== undefined);
    ids.push(fork.id);
    await fork.fs.write("/second", "2");
    const second = await fork.snapshot();
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    await assert.rejects(Sandbox.fork(first, 1), { code: "conflict", message: /has been disposed of/ });
    const [last] = await Sandbox.fork(second, 1);
    assert.ok(last !== undefined);
    ids.push(last.id);
    await fork[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
    assert.equal((await last.$`cat /first /second`).stdout, "12");
    await last[Symbol.asyncDispose]();
  });

  test("is refused a snapshot that a signal has ended, and forks without number", async () => {
    await using box = await create();
    await box.fs.write("/a", "a");
    await assert.rejects(box.snapshot({ signal: AbortSignal.abort() }), { code: "cancelled" });
    await using snapshot = await box.snapshot();
    for (const count of [0, 1.5, 1001]) await assert.rejects(Sandbox.fork(snapshot, count), { code: "invalid" });
    await assert.rejects(Sandbox.fork(snapshot, 2, { user: "nobody-here" }), { code: "invalid" });
  });

  test("of the host's files has no snapshot", async () => {
    await using box = await Sandbox.create({ image: "host" });
    ids.push(box.id);
    await assert.rejects(box.snapshot(), { code: "unsupported", message: /Cannot take snapshot of/ });
  });
}
