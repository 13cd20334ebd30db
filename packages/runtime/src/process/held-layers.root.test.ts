import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { suite, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ErofsLayerFiles, OverlayLayer } from "@orlop/core";
import { Zygote } from "@orlop/kernel";
import { HeldLayers } from "./held-layers.ts";
import { type ProcessBench, until, withBench } from "./process-bench-fixture.ts";

const HASTY = { delayMs: 0, lookMs: 10 };

/** What a container's root lies on, and what it has of each image; it writes, too. */
const LOOK = "grep ' / / ' /proc/self/mountinfo; cat /seen; echo changed >/seen; cat /seen";

const HELD = /\/proc\/(\d+)\/fd\/901\b/;

class Images implements Disposable {
  readonly #bench: ProcessBench;
  #runs = 0;
  readonly layers: HeldLayers;

  constructor(bench: ProcessBench, options: object = {}) {
    this.#bench = bench;
    this.layers = new HeldLayers(() => Zygote.start(), { ...HASTY, ...options });
  }

  [Symbol.dispose](): void {
    this.layers[Symbol.dispose]();
  }

  make(name: string, content: string | undefined): ErofsLayerFiles {
    const directory = content === undefined ? this.#bench.rootfs : this.#bench.makeDirectory(name);
    if (content !== undefined) writeFileSync(`${directory}/seen`, content);
    const erofs = this.#bench.path(`${name}.erofs`);
    execFileSync("mkfs.erofs", [erofs, directory], { stdio: "ignore" });
    return { erofs };
  }

  /** Who holds the images that a container was on, and what it has printed; undefined: nobody. */
  async run(lower: readonly OverlayLayer[], linux: object = {}): Promise<{ holder?: number; output: string }> {
    const [upper, work] = ["upper", "work"].map((name) => {
      const path = this.#bench.path(`${name}${this.#runs}`);
      mkdirSync(path);
      return path;
    }) as [string, string];
    this.#runs += 1;
    const request = this.#bench.request(LOOK, {
      linux,
      request: { rootfs: { kind: "overlay", lower, writes: { upper, work } } },
    });
    await this.layers.run(request, (each) => this.#bench.runtime.run(each));
    assert.equal((await this.#bench.runtime.wait(request.id)).exitCode, 0);
    await this.#bench.runtime.delete(request.id);
    const [mount = "", ...lines] = this.#bench.output(request.id).split("\n");
    const holder = HELD.exec(mount)?.[1];
    return { ...(holder === undefined ? {} : { holder: Number(holder) }), output: lines.join("\n") };
  }

  async held(...args: Parameters<Images["run"]>): Promise<{ holder: number; output: string }> {
    return await until("held images", async () => {
      const { holder, output } = await this.run(...args);
      return holder === undefined ? undefined : { holder, output };
    });
  }
}

function withImages(
  t: TestContext,
  work: (images: Images, bench: ProcessBench) => Promise<void>,
  options = {},
): Promise<void> {
  if (spawnSync("mkfs.erofs", ["--version"]).error !== undefined) {
    t.skip("needs mkfs.erofs");
    return Promise.resolve();
  }
  return withBench(t, async (bench) => {
    using images = new Images(bench, options);
    await work(images, bench);
  });
}

async function ended(pid: number): Promise<void> {
  await until(`the end of ${pid}`, () => {
    try {
      return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8")) ? true : undefined;
    } catch {
      return true;
    }
  });
}

suite("held layers", () => {
  test("are to containers what mounts of their own are, one after the other", (t) =>
    withImages(t, async (images) => {
      const lower = [images.make("above", "from an image\n"), images.make("below", undefined)];
      assert.deepEqual(await images.run(lower), { output: "from an image\nchanged\n" });
      const first = await images.held(lower);
      for (let round = 0; round < 3; round++) assert.deepEqual(await images.run(lower), first);
      assert.equal(first.output, "from an image\nchanged\n");
      const others = [images.make("another", "from another\n"), ...lower];
      const other = await images.held(others);
      assert.equal(other.output, "from another\nchanged\n");
      assert.notEqual(other.holder, first.holder);
    }));

  test("lie beside directories", (t) =>
    withImages(t, async (images, bench) => {
      const directory = bench.makeDirectory("between");
      writeFileSync(`${directory}/seen`, "from a directory\n");
      const lower = [images.make("above", "from an image\n"), directory, images.make("below", undefined)];
      assert.equal((await images.held(lower.slice(1))).output, "from a directory\nchanged\n");
    }));

  test("are done without where their holder was killed", (t) =>
    withImages(t, async (images) => {
      const lower = [images.make("above", "from an image\n"), images.make("below", undefined)];
      const { holder } = await images.held(lower);
      process.kill(holder, "SIGKILL");
      const { output, holder: again } = await images.run(lower);
      assert.equal(output, "from an image\nchanged\n");
      assert.notEqual(again, holder);
      assert.notEqual((await images.held(lower)).holder, holder);
    }));

  test("go when nobody has used them for a while", (t) =>
    withImages(
      t,
      async (images) => {
        const lower = [images.make("above", "idle\n"), images.make("below", undefined)];
        await ended((await images.held(lower)).holder);
      },
      { idleMaxMs: 300 },
    ));

  test("go with their image, and with who has them held", (t) =>
    withImages(t, async (images) => {
      const [gone, below] = [images.make("above", "gone\n"), images.make("below", undefined)];
      const { holder } = await images.held([gone, below]);
      rmSync(gone.erofs);
      await ended(holder);
      const last = await images.held([below, images.make("last", "last\n")]);
      images.layers[Symbol.dispose]();
      await ended(last.holder);
      await sleep(HASTY.lookMs);
      assert.equal((await images.run([below, images.make("none", "none\n")])).holder, undefined);
    }));

  test("are not held where there are none", (t) =>
    withImages(t, async (images) => {
      const lower = [images.make("broken", "x"), images.make("below", undefined)];
      writeFileSync((lower[0] as ErofsLayerFiles).erofs, "no image");
      await assert.rejects(images.run(lower), { errno: "EINVAL" });
      const sound = [images.make("sound", "sound\n"), lower[1] as ErofsLayerFiles];
      assert.equal((await images.run(sound)).output, "sound\nchanged\n");
    }));
});
