import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { parseConflist, readConflists } from "./conflist.ts";

const parse = (value: unknown) => parseConflist(JSON.stringify(value), "a.conflist");

suite("configurations of CNI", () => {
  test("are lists of plug-ins, of which those without a list are one", () => {
    const plugin = { type: "bridge", capabilities: { ips: true, mac: false }, bridge: "cni0" };
    const plugins = [{ type: "bridge", capabilities: ["ips"], config: { type: "bridge", bridge: "cni0" } }];
    const base = { cniVersion: "1.0.0", name: "a", disableCheck: false, disableGC: false };
    assert.deepEqual(parse({ cniVersion: "1.0.0", name: "a", plugins: [plugin] }), { ...base, plugins });
    const single = parse({ cniVersion: "0.3.1", name: "a", ...plugin });
    assert.deepEqual([single.cniVersion, single.plugins[0]?.type], ["0.3.1", "bridge"]);
  });

  test("are of the newest version that both sides know", () => {
    const of = (versions: Readonly<Record<string, unknown>>) =>
      parse({ name: "a", plugins: [{ type: "ptp" }], ...versions }).cniVersion;
    assert.equal(of({ cniVersion: "0.4.0", cniVersions: ["1.0.0", "1.1.0", "9.0.0"] }), "1.1.0");
    assert.equal(of({ cniVersion: "0.4.0" }), "0.4.0");
    for (const versions of [{}, { cniVersion: "0.2.0" }, { cniVersion: "2.0.0" }]) {
      assert.throws(() => of(versions), { code: "unsupported", message: /0\.3\.0, .*1\.1\.0/ });
    }
  });

  test("are refused where they are none", () => {
    const good = { cniVersion: "1.0.0", name: "a", plugins: [{ type: "ptp" }] };
    const bad: readonly unknown[] = [
      [],
      { ...good, name: "../a" },
      { ...good, plugins: [] },
      { ...good, plugins: ["ptp"] },
      { ...good, plugins: [{ type: "../../bin/sh" }] },
      { ...good, plugins: [{ type: "ptp", capabilities: [] }] },
    ];
    for (const each of bad) assert.throws(() => parse(each), { code: "invalid", message: /"a\.conflist"/ });
    assert.throws(() => parseConflist("{", "a.conf"), { code: "invalid", message: /no JSON/ });
  });

  test("are read in the order of their files, the first of each name", async () => {
    await withTemporaryDirectory((directory) => {
      const write = (file: string, name: string, type: string) =>
        writeFileSync(join(directory, file), JSON.stringify({ cniVersion: "1.0.0", name, plugins: [{ type }] }));
      assert.deepEqual(readConflists(join(directory, "none")), []);
      write("20-b.conflist", "two", "second");
      write("10-a.conf", "one", "first");
      write("30-c.json", "one", "third");
      writeFileSync(join(directory, "README"), "no configuration");
      mkdirSync(join(directory, "more"));
      assert.deepEqual(
        readConflists(directory).map(({ name, plugins }) => [name, plugins[0]?.type]),
        [
          ["one", "first"],
          ["two", "second"],
        ],
      );
    });
  });
});
