import assert from "node:assert/strict";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { RuntimeSpec } from "@orlop/core";
import { Zygote } from "@orlop/kernel";
import { type ProcessBench, withBench } from "./process-bench-fixture.ts";
import { type SpareHold, SpareNetwork } from "./spare-network.ts";

const POLL_MS = 5;

/** Resolves with what `find` finds at last. */
async function eventually<T>(find: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = find();
    if (found !== undefined && found !== false) return found;
    await sleep(POLL_MS);
  }
}

function pathOf({ spec }: SpareHold): string {
  return spec.linux?.namespaces?.find(({ type }) => type === "network")?.path ?? "";
}

function holderOf(hold: SpareHold): number {
  return Number(/^\/proc\/(\d+)\/ns\/net$/.exec(pathOf(hold))?.[1]);
}

const isThere = (hold: SpareHold): boolean => existsSync(pathOf(hold));

/** What a container without a network sees of its namespace. */
const LOOK = "readlink /proc/self/ns/net; cat /sys/class/net/lo/flags; ls /sys/class/net; cat /proc/net/route | wc -l";

suite("a spare network namespace", () => {
  const specOf = (bench: ProcessBench, namespaces?: readonly object[]): RuntimeSpec => {
    const spec = bench.spec(["true"]);
    return namespaces === undefined ? spec : ({ ...spec, linux: { ...spec.linux, namespaces } } as RuntimeSpec);
  };

  test("is to a container as a new one is, and nobody else's", (t) =>
    withBench(t, async (bench) => {
      using spare = new SpareNetwork(() => Zygote.start());
      const request = bench.request(LOOK, {});
      assert.equal(spare.take(request.spec), undefined);
      const seen: { readonly held: string; readonly output: string }[] = [];
      for (let round = 0; round < 4; round++) {
        spare.prepare();
        spare.prepare();
        const hold = await eventually(() => spare.take(request.spec));
        assert.equal(spare.take(request.spec), undefined, "there is one");
        const held = readlinkSync(pathOf(hold));
        const { output } = await bench.run(LOOK, { linux: { namespaces: hold.spec.linux?.namespaces ?? [] } });
        hold[Symbol.dispose]();
        await eventually(() => !isThere(hold));
        seen.push({ held, output });
      }
      const { output } = await bench.run(LOOK, {});
      const [, ...rest] = output.trim().split("\n");
      for (const { held, output: each } of seen) {
        // Not beside those of others: the kernel gives the number of one that has gone to the next.
        assert.deepEqual(each.trim().split("\n"), [held, ...rest]);
        assert.notEqual(held, readlinkSync("/proc/self/ns/net"));
      }
    }));

  test("is for a config with a new one that has no settings, outside of user namespaces", (t) =>
    withBench(t, async (bench) => {
      using spare = new SpareNetwork(() => Zygote.start());
      const plain = specOf(bench);
      assert.ok(spare.suits(plain));
      assert.ok(!spare.suits(specOf(bench, [{ type: "mount" }])));
      assert.ok(!spare.suits(specOf(bench, [{ type: "network", path: "/proc/1/ns/net" }])));
      assert.ok(!spare.suits(specOf(bench, [{ type: "network" }, { type: "user" }])));
      const sysctl = { "net.ipv4.ip_forward": "1" };
      assert.ok(!spare.suits({ ...plain, linux: { ...plain.linux, sysctl } }));
      assert.ok(!spare.suits({ ...plain, linux: { ...plain.linux, netDevices: {} } }));
    }));

  test("goes when it gets old, when its holder is killed, and with who has had it made", (t) =>
    withBench(t, async (bench) => {
      const spec = specOf(bench);
      let zygote: Zygote | undefined;
      const start = (): Zygote => (zygote = Zygote.start());
      const holders = (): readonly number[] => childrenOf(zygote?.pid ?? 0);
      const spare = new SpareNetwork(start, 20);
      spare.prepare();
      await eventually(() => holders().length > 0);
      await eventually(() => holders().length === 0);
      assert.equal(spare.take(spec), undefined);
      spare[Symbol.dispose]();

      const lasting = new SpareNetwork(start);
      lasting.prepare();
      const [killed = 0] = await eventually(() => holders().some(isSpare) && holders());
      process.kill(killed, "SIGKILL");
      await eventually(() => holders().length === 0);
      await sleep(POLL_MS);
      assert.equal(lasting.take(spec), undefined);
      lasting.prepare();
      const [left = 0] = await eventually(() => holders().some(isSpare) && holders());
      lasting[Symbol.dispose]();
      await eventually(() => !existsSync(`/proc/${left}`));
      zygote = undefined;
      lasting.prepare();
      assert.equal(zygote, undefined, "none is made any more");
    }));

  test("whose holder was killed is told as the reason, and leaves nothing", (t) =>
    withBench(t, async (bench) => {
      using spare = new SpareNetwork(() => Zygote.start());
      const request = bench.request("true", {});
      spare.prepare();
      using hold = await eventually(() => spare.take(request.spec));
      process.kill(holderOf(hold), "SIGKILL");
      await eventually(() => !isThere(hold));
      const error = await bench.runtime.run({ ...request, spec: hold.spec }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(hold.isReasonOf(error), String(error));
      assert.ok(!hold.isReasonOf(new Error("another")));
      await bench.runtime.run(request);
      await bench.runtime.wait(request.id);
      await bench.runtime.delete(request.id);
    }));
});

function isSpare(pid: number): boolean {
  return readFileSync(`/proc/${pid}/comm`, "utf8") === "orlop-spare\n" && readlinkSync(`/proc/${pid}/ns/net`) !== OWN;
}

const OWN = readlinkSync("/proc/self/ns/net");

function childrenOf(pid: number): readonly number[] {
  const text = existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8") : "";
  return text.split(" ").filter(Boolean).map(Number);
}
