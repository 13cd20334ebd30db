import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, suite, test } from "node:test";
import type { Snapshotter } from "@orlop/core";
import { Database } from "@orlop/image";
import { erofsObstacle, openSnapshotter } from "@orlop/snapshot";
import { serveSnapshotter } from "@orlop/snapshot/proxy";
import { LayoutWriter, makeTar } from "@orlop/testkit";
import { CommandFixture } from "../e2e/command-fixture.ts";
import { commitSuite } from "../e2e/commit-suite-fixture.ts";

/** A snapshotter at a socket, of which commands are told. */
class Proxied implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  readonly #name: string;
  readonly #directory: string;
  readonly #socket: string;
  readonly #stack = new AsyncDisposableStack();
  #server: AsyncDisposable | undefined;

  /** @param parent where its layers are: the kernel mounts no images of files in memory */
  constructor(name: string, parent: string) {
    this.#name = name;
    this.#directory = join(parent, `orlop-proxied-${name}-${process.pid}`);
    this.#socket = join(this.#directory, "sock");
    this.env = { ORLOP_SNAPSHOTTER: `proxy:unix://${this.#socket}` };
  }

  async start(): Promise<Snapshotter> {
    mkdirSync(this.#directory);
    this.#stack.defer(() => rmSync(this.#directory, { recursive: true }));
    const database = this.#stack.use(new Database(join(this.#directory, "metadata.db")));
    const snapshotter = await openSnapshotter(this.#name, { directory: join(this.#directory, "layers"), database });
    this.#stack.defer(() => snapshotter.close());
    this.#stack.defer(() => this.stop());
    await this.serve(snapshotter);
    return snapshotter;
  }

  async serve(snapshotter: Snapshotter): Promise<void> {
    const mountDirectory = join(this.#directory, "mounts");
    this.#server = await serveSnapshotter(snapshotter, { path: this.#socket, mountDirectory });
  }

  async stop(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

const needsRoot = process.getuid?.() === 0 ? undefined : "needs root";

function runSuite(name: "overlay" | "erofs", parent: string, obstacle: string | undefined): void {
  const skip = needsRoot ?? obstacle ?? false;
  suite(`containers of ${name} behind a socket`, { skip }, () => {
    const proxied = new Proxied(name, parent);
    before(() => proxied.start());
    after(() => proxied[Symbol.asyncDispose]());
    commitSuite({ skip, stateDirectory: "/run/orlop", env: proxied.env });
  });
}

runSuite("overlay", "/run", undefined);
runSuite("erofs", import.meta.dirname, erofsObstacle());

describe("layers behind a socket", { skip: needsRoot ?? false }, () => {
  const proxied = new Proxied("overlay", "/run");
  let fixture: CommandFixture;
  let remote: Snapshotter;
  before(async () => {
    remote = await proxied.start();
    fixture = new CommandFixture(proxied.env);
    const layout = new LayoutWriter(join(fixture.directory, "layout"));
    const layers = ["one", "two"].map((path) => ({ tar: makeTar([{ path, content: path }]) }));
    layout.publish([layout.manifest({ layers })]);
  });
  after(async () => {
    fixture?.[Symbol.dispose]();
    await proxied[Symbol.asyncDispose]();
  });
  const succeeds = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stderr } = await fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    return stderr;
  };
  const kept = async (): Promise<number> => (await Array.fromAsync(remote.walk())).length;

  test("go when no image needs them, and nothing is told", async () => {
    await succeeds("pull", "-q", `oci:${join(fixture.directory, "layout")}`);
    assert.equal(await kept(), 2);
    assert.equal(await succeeds("system", "prune", "-af"), "");
    assert.equal(await kept(), 0);
  });

  test("go later where nobody answers, which is told", async () => {
    await succeeds("pull", "-q", `oci:${join(fixture.directory, "layout")}`);
    await proxied.stop();
    assert.match(await succeeds("system", "prune", "-af"), /Cannot call "List" of ".*sock"/);
    await proxied.serve(remote);
    assert.equal(await kept(), 2);
    await succeeds("system", "prune", "-af");
    assert.equal(await kept(), 0);
  });

  test("are not asked for of what is no socket", async () => {
    const env = { ORLOP_SNAPSHOTTER: "proxy:tcp://localhost:1" };
    const { exitCode, stderr } = await fixture.orlop(["pull", "-q", `oci:${join(fixture.directory, "layout")}`], {
      env,
    });
    assert.equal(exitCode, 1);
    assert.match(stderr, /Cannot use snapshotter "proxy:tcp:\/\/localhost:1": it is no proxy:unix:\/\//);
  });
});
