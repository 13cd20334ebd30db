import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describeTree } from "./describe-tree.ts";
import type { SnapshotCase } from "./snapshot-case.ts";

const LAYERS = 60;
/** include/uapi/asm-generic/errno.h */
const EDQUOT = 122;
/** Of a snapshot that has a limit. */
const LIMIT_BYTES = 4 << 20;

export const mountCases: readonly SnapshotCase[] = [
  {
    title: "keeps what was written to an active snapshot, and shows it on top of what is below",
    mounts: true,
    async check(bench) {
      await bench.written("lower", undefined, (root) => {
        mkdirSync(join(root, "d"), { mode: 0o750 });
        writeFileSync(join(root, "d/f"), "one");
        writeFileSync(join(root, "g"), "g");
        symlinkSync("d/f", join(root, "l"));
      });
      await bench.written("upper", "lower", (root) => {
        appendFileSync(join(root, "d/f"), " two");
        writeFileSync(join(root, "d/new"), "new");
      });
      assert.deepEqual(await bench.look("upper", describeTree), [
        "d/ 750",
        "d/f 644 one two",
        "d/new 644 new",
        "g 644 g",
        "l -> d/f",
      ]);
      assert.deepEqual(await bench.look("lower", describeTree), ["d/ 750", "d/f 644 one", "g 644 g", "l -> d/f"]);
    },
  },
  {
    title: "does not show what was removed, renamed or replaced",
    mounts: true,
    async check(bench) {
      await bench.written("lower", undefined, (root) => {
        for (const name of ["d1", "d2", "d3"]) {
          mkdirSync(join(root, name));
          writeFileSync(join(root, name, "f"), name);
        }
        for (const name of ["f1", "f2", "f3"]) writeFileSync(join(root, name), name);
      });
      await bench.written("upper", "lower", (root) => {
        rmSync(join(root, "d1"), { recursive: true });
        mkdirSync(join(root, "d1"));
        writeFileSync(join(root, "d1/other"), "other");
        rmSync(join(root, "d2"), { recursive: true });
        rmSync(join(root, "f1"));
        renameSync(join(root, "f2"), join(root, "f4"));
        rmSync(join(root, "f3"));
        mkdirSync(join(root, "f3"));
      });
      const expected = ["d1/ 755", "d1/other 644 other", "d3/ 755", "d3/f 644 d3", "f3/ 755", "f4 644 f2"];
      assert.deepEqual(await bench.look("upper", describeTree), expected);
      await bench.written("again", "upper", (root) => writeFileSync(join(root, "f1"), "back"));
      assert.deepEqual(await bench.look("again", describeTree), [
        ...expected.slice(0, 4),
        "f1 644 back",
        ...expected.slice(4),
      ]);
    },
  },
  {
    title: "keeps owners, modes and hard links of what was written",
    mounts: true,
    async check(bench) {
      await bench.written("lower", undefined, (root) => {
        writeFileSync(join(root, "a"), "a");
        linkSync(join(root, "a"), join(root, "b"));
        mkdirSync(join(root, "d"));
      });
      await bench.written("upper", "lower", (root) => {
        chownSync(join(root, "d"), 1234, 4321);
        chmodSync(join(root, "d"), 0o1707);
        writeFileSync(join(root, "c"), "c");
        linkSync(join(root, "c"), join(root, "e"));
        chmodSync(join(root, "c"), 0o600);
      });
      await bench.look("upper", (root) => {
        const { uid, gid, mode } = lstatSync(join(root, "d"));
        assert.deepEqual([uid, gid, mode & 0o7777], [1234, 4321, 0o1707]);
        assert.equal(lstatSync(join(root, "c")).ino, lstatSync(join(root, "e")).ino);
        assert.deepEqual(describeTree(root).slice(2, 3), ["c 600 c"]);
      });
    },
  },
  {
    title: "keeps the root directory's owner and mode for what is above, until it has others",
    mounts: true,
    async check(bench) {
      await bench.layer("lower", undefined, [{ path: "./", mode: 0o711, uid: 7, gid: 8 }, { path: "f" }]);
      const rootOf = (root: string): readonly number[] => {
        const { uid, gid, mode } = lstatSync(root);
        return [uid, gid, mode & 0o7777];
      };
      await bench.layer("middle", "lower", [{ path: "g" }]);
      await bench.written("upper", "middle", (root) => writeFileSync(join(root, "h"), ""));
      for (const name of ["lower", "middle", "upper"]) assert.deepEqual(await bench.look(name, rootOf), [7, 8, 0o711]);
      await bench.written("changed", "upper", (root) => chmodSync(root, 0o700));
      assert.deepEqual(await bench.look("changed", rootOf), [7, 8, 0o700]);
    },
  },
  {
    title: "keeps active snapshots apart from each other, and from their parent",
    mounts: true,
    async check(bench) {
      await bench.layer("lower", undefined, [{ path: "f", text: "lower" }]);
      const one = await bench.snapshotter.prepare("one", "lower");
      const two = await bench.snapshotter.prepare("two", "lower");
      bench.within(one, (root) => writeFileSync(join(root, "f"), "one"));
      bench.within(two, (root) => {
        assert.equal(readFileSync(join(root, "f"), "utf8"), "lower");
        rmSync(join(root, "f"));
      });
      bench.within(await bench.snapshotter.mounts("one"), (root) => {
        assert.equal(readFileSync(join(root, "f"), "utf8"), "one");
      });
      assert.deepEqual(await bench.look("lower", describeTree), ["f 644 lower"]);
    },
  },
  {
    title: "lets nobody write to a view",
    mounts: true,
    async check(bench) {
      await bench.layer("one", undefined, [{ path: "f", text: "one" }]);
      await bench.layer("two", "one", [{ path: "g", text: "two" }]);
      for (const name of ["one", "two"]) {
        await bench.look(name, (root) => {
          assert.throws(() => writeFileSync(join(root, "f"), "x"), { code: "EROFS" });
          assert.throws(() => writeFileSync(join(root, "new"), "x"), { code: "EROFS" });
        });
      }
    },
  },
  {
    title: `stands on ${LAYERS} layers`,
    mounts: true,
    async check(bench) {
      let parent: string | undefined;
      for (let index = 0; index < LAYERS; index++) {
        const entries = [
          { path: "top", text: `${index}` },
          { path: `l${index}`, text: "x" },
          { path: `.wh.l${index - 2}` },
        ];
        parent = await bench.layer(`layer-${index}`, parent, entries);
      }
      const expected = [`l${LAYERS - 2} 644 x`, `l${LAYERS - 1} 644 x`, `top 644 ${LAYERS - 1}`];
      assert.deepEqual(await bench.look(`layer-${LAYERS - 1}`, describeTree), expected);
    },
  },
  {
    title: "keeps what is written to a snapshot within its limit, if it has limits, and no other snapshot",
    mounts: true,
    async check(bench) {
      const { snapshotter } = bench;
      await bench.layer("lower", undefined, [{ path: "f", text: "x".repeat(LIMIT_BYTES) }]);
      const limited = await snapshotter.prepare("limited", "lower", { sizeMaxBytes: LIMIT_BYTES }).catch(() => {});
      if (limited === undefined) return;
      const write = (root: string): void => {
        writeFileSync(join(root, "g"), Buffer.alloc(LIMIT_BYTES, "y"), { flush: true });
        writeFileSync(join(root, "h"), Buffer.alloc(LIMIT_BYTES, "z"), { flush: true });
      };
      bench.within(limited, (root) => assert.throws(() => write(root), isFull));
      bench.within(await snapshotter.prepare("other", "lower"), write);
      await snapshotter.commit("full", "limited");
      bench.within(await snapshotter.prepare("next", "full"), write);
    },
  },
];

/** Node has no name for EDQUOT. */
function isFull({ code, errno }: NodeJS.ErrnoException): boolean {
  return code === "ENOSPC" || errno === -EDQUOT;
}
