import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { CniChain } from "./cni-chain.ts";
import { CniPrograms } from "./cni-program.ts";
import { parseConflist } from "./conflist.ts";

interface Call {
  readonly type: string;
  readonly command: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly env: readonly string[];
}

const ATTACHMENT = { containerId: "c1", interfaceName: "eth0", namespace: "/proc/1/ns/net" } as const;

/** A plug-in that writes down how it is called, and answers with its name; where there is a file "fail", with that. */
const PLUGIN = `#!/bin/sh
mkdir "\${0%/*}/alone" || exit 1
trap 'rmdir "\${0%/*}/alone"' EXIT
config=$(cat)
type=\${0##*/}
d=\${0%/*}
env="[\\"$CNI_CONTAINERID\\",\\"$CNI_IFNAME\\",\\"$CNI_NETNS\\",\\"$CNI_PATH\\"]"
printf '{"type":"%s","command":"%s","config":%s,"env":%s}\\n' "$type" "$CNI_COMMAND" "$config" "$env" >> "$d/calls"
if [ -e "$d/fail-$type" ]; then cat "$d/fail-$type"; exit 1; fi
if [ "$CNI_COMMAND" = ADD ]; then echo "{\\"by\\":\\"$type\\"}"; fi
`;

interface Bench {
  readonly directory: string;
  readonly chain: CniChain;
  /** As another process has it. */
  readonly another: () => CniChain;
  readonly list: (more?: Readonly<Record<string, unknown>>) => ReturnType<typeof parseConflist>;
  readonly calls: () => readonly Call[];
}

async function withChain(check: (bench: Bench) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    for (const name of ["one", "two"]) writeFileSync(join(directory, name), PLUGIN, { mode: 0o755 });
    const plugins = [{ type: "one", colour: "red", capabilities: { mac: true } }, { type: "two" }];
    const file = join(directory, "calls");
    appendFileSync(file, "");
    const lockFile = join(directory, "lock");
    const open = () =>
      new CniChain(new CniPrograms({ directories: ["/nowhere", directory], hostNamespace: undefined, lockFile }));
    await check({
      directory,
      chain: open(),
      another: open,
      list: (more) => parseConflist(JSON.stringify({ cniVersion: "1.1.0", name: "net", plugins, ...more }), "a"),
      calls: () =>
        readFileSync(file, "utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as Call),
    });
  });
}

suite("chains of CNI plug-ins", () => {
  test("give each plug-in what the one before has made, and what it is capable of", async () => {
    await withChain(async ({ directory, chain, list, calls }) => {
      const result = await chain.add(list(), ATTACHMENT, { mac: "02:00:00:00:00:01", ips: ["10.0.0.1"] });
      assert.deepEqual(result, { by: "two" });
      const env = ["c1", "eth0", "/proc/1/ns/net", `/nowhere:${directory}`];
      const base = { cniVersion: "1.1.0", name: "net" };
      const runtimeConfig = { mac: "02:00:00:00:00:01" };
      assert.deepEqual(calls(), [
        { type: "one", command: "ADD", config: { type: "one", colour: "red", ...base, runtimeConfig }, env },
        { type: "two", command: "ADD", config: { type: "two", ...base, prevResult: { by: "one" } }, env },
      ]);
    });
  });

  test("take back backwards with the whole result, and without a namespace that is gone", async () => {
    await withChain(async ({ chain, list, calls }) => {
      const attachment = { containerId: "c1", interfaceName: "eth0" };
      await chain.delete({ list: list(), result: { by: "two" } }, attachment, {});
      await chain.delete({ list: list({ cniVersion: "0.3.1" }), result: { by: "two" } }, attachment, {});
      assert.deepEqual(
        calls().map(({ type, command, config, env }) => [type, command, config.prevResult, env[2]]),
        [
          ["two", "DEL", { by: "two" }, ""],
          ["one", "DEL", { by: "two" }, ""],
          ["two", "DEL", undefined, ""],
          ["one", "DEL", undefined, ""],
        ],
      );
    });
  });

  test("take back what they have although one of them fails, which is told", async () => {
    await withChain(async ({ directory, chain, list, calls }) => {
      writeFileSync(join(directory, "fail-two"), JSON.stringify({ cniVersion: "1.0.0", code: 7, msg: "no good" }));
      const message = 'Cannot DEL by CNI plug-in "two": no good';
      await assert.rejects(chain.delete({ list: list(), result: {} }, ATTACHMENT, {}), { message });
      assert.deepEqual(
        calls().map(({ type }) => type),
        ["two", "one"],
      );
    });
  });

  test("ask only for what their version and their configuration have", async () => {
    await withChain(async ({ chain, list, calls }) => {
      const held = (more?: Readonly<Record<string, unknown>>) => ({ list: list(more), result: {} });
      await chain.check(held({ cniVersion: "0.3.1" }), ATTACHMENT, {});
      await chain.check(held({ disableCheck: true }), ATTACHMENT, {});
      await chain.status(list({ cniVersion: "1.0.0" }));
      await chain.collect(list({ cniVersion: "1.0.0" }), [ATTACHMENT]);
      await chain.collect(list({ disableGC: true }), [ATTACHMENT]);
      assert.deepEqual(calls(), []);
      await chain.check(held({ cniVersion: "0.4.0" }), ATTACHMENT, {});
      await chain.status(list());
      await chain.collect(list(), [ATTACHMENT]);
      assert.deepEqual(
        calls().map(({ type, command }) => `${command} ${type}`),
        ["CHECK one", "CHECK two", "STATUS one", "STATUS two", "GC one", "GC two"],
      );
      assert.deepEqual(calls().at(-1)?.config["cni.dev/valid-attachments"], [{ containerID: "c1", ifname: "eth0" }]);
    });
  });

  test("are called one at a time, whoever calls them", async () => {
    await withChain(async ({ chain, another, list, calls }) => {
      const chains = [chain, another(), another()];
      await Promise.all([...chains, ...chains].map((each) => each.add(list(), ATTACHMENT, {})));
      assert.equal(calls().length, 12);
    });
  });

  test("say what a plug-in says, and end where one fails", async () => {
    await withChain(async ({ directory, chain, list, calls }) => {
      const answer = { cniVersion: "1.0.0", code: 7, msg: "no good", details: "colour" };
      writeFileSync(join(directory, "fail-one"), JSON.stringify(answer));
      const add = () => chain.add(list(), ATTACHMENT, {});
      const message = 'Cannot ADD by CNI plug-in "one": no good: colour';
      await assert.rejects(add, { code: "invalid", message });
      assert.equal(calls().length, 1);
      writeFileSync(join(directory, "fail-one"), "nonsense");
      await assert.rejects(add, { code: "failed" });
      const missing = list({ plugins: [{ type: "three" }] });
      await assert.rejects(chain.add(missing, ATTACHMENT, {}), {
        code: "not-found",
        message: /"three".*\/nowhere or /,
      });
      assert.equal(existsSync(join(directory, "three")), false);
      const before = calls().length;
      const half = list({ cniVersion: "1.0.0", plugins: [{ type: "one" }, { type: "three" }] });
      await assert.rejects(chain.status(half), { code: "not-found", message: /"three"/ });
      assert.equal(calls().length, before);
    });
  });
});
