import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { RLIM_INFINITY } from "@orlop/core";
import { ownProcessMark } from "@orlop/kernel";
import { ContainerIdFile } from "./container-id-file.ts";
import { describedContainer } from "./described-container-fixture.ts";
import { NameClaim } from "./name-claim.ts";
import { OwnDirectory } from "./own-directory.ts";
import { listRunning, type Orphan, RunMarker, removeOrphans } from "./run-marker.ts";
import { stateDirectory } from "./state-directory.ts";

const scratch = mkdtempSync(join(tmpdir(), "orlop-state-"));
after(() => rmSync(scratch, { recursive: true }));

/** A mark of this pid namespace whose process is gone: pid 1 started at boot. */
const dead = ownProcessMark().replace(/\.\d+\.\d+$/, ".1.99999999999");
let count = 0;
const fresh = (): string => {
  const path = join(scratch, String(count++));
  mkdirSync(path);
  return path;
};

describe("the name of a container", () => {
  test("is one's own until it is let go", () => {
    const state = fresh();
    const claim = new NameClaim(state, "box", "first");
    assert.throws(() => new NameClaim(state, "box", "second"), {
      code: "conflict",
      message: /^Cannot use name "box": it is already in use by container "first"\nTry another name/,
    });
    new NameClaim(state, "other", "third")[Symbol.dispose]();
    claim[Symbol.dispose]();
    new NameClaim(state, "box", "second")[Symbol.dispose]();
    assert.deepEqual(readdirSync(join(state, "names")), []);
  });

  test("is taken over from the dead, and from nobody else", () => {
    const state = fresh();
    mkdirSync(join(state, "names"));
    symlinkSync(`${dead}:gone`, join(state, "names", "box"));
    const claim = new NameClaim(state, "box", "heir");
    rmSync(join(state, "names", "box"));
    symlinkSync(`${ownProcessMark()}:another`, join(state, "names", "box"));
    claim[Symbol.dispose]();
    assert.deepEqual(readdirSync(join(state, "names")), ["box"], "another's claim stays");
  });
});

describe("a directory of one's own", () => {
  test("goes away with everything in it", () => {
    const parent = fresh();
    const [one, two] = [new OwnDirectory(parent, "x", 0o700), new OwnDirectory(parent, "x", 0o700)];
    assert.notEqual(one.path, two.path);
    mkdirSync(join(one.path, "closed"));
    writeFileSync(join(one.path, "closed", "file"), "");
    chmodSync(join(one.path, "closed"), 0);
    one[Symbol.dispose]();
    two[Symbol.dispose]();
    assert.deepEqual(readdirSync(parent), []);
  });

  test("takes those of the dead along, of its own kind", () => {
    const parent = fresh();
    const names = [`x-${dead}-0`, "x-nonsense", `y-${dead}-0`, `x-${ownProcessMark()}-9`];
    for (const name of names) mkdirSync(join(parent, name));
    new OwnDirectory(parent, "x", 0o700)[Symbol.dispose]();
    assert.deepEqual(readdirSync(parent).sort(), [`x-${ownProcessMark()}-9`, `y-${dead}-0`].sort());
  });
});

test("containers are known to others for as long as their runs live", () => {
  const state = fresh();
  const [first, second] = [describedContainer({ name: "first" }), describedContainer({ name: "second" })];
  using _ = new RunMarker(state, "/depot", first);
  using _other = new RunMarker(state, "/depot", second);
  writeFileSync(join(state, "runs", `${dead}-${"f".repeat(64)}`), JSON.stringify(describedContainer({})));
  writeFileSync(join(state, "runs", `${ownProcessMark()}-${"e".repeat(64)}`), "");
  const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name);
  assert.deepEqual([...listRunning(state, "/depot")].sort(byName), [first, second]);
  assert.deepEqual(listRunning(state, "/another"), []);
});

test("a container without a limit of its own has none to others either", () => {
  const state = fresh();
  const rlimits = [{ type: "RLIMIT_MEMLOCK", soft: RLIM_INFINITY, hard: RLIM_INFINITY }] as const;
  const { process } = describedContainer({});
  using _ = new RunMarker(state, "/depot", describedContainer({ process: { ...process, rlimits } }));
  assert.deepEqual(listRunning(state, "/depot")[0]?.process.rlimits, rlimits);
});

test("a container whose run has died is handed to be removed, once, with the runtime that made it", async () => {
  const state = fresh();
  using _ = new RunMarker(state, "/depot", describedContainer({ id: "own" }));
  writeFileSync(join(state, "runs", `${dead}-orphan`), JSON.stringify(describedContainer({ runtime: "oci:runc" })));
  writeFileSync(join(state, "runs", `${dead}-unmade`), "");
  const removed: string[] = [];
  const remove = async (id: string, { runtime }: Orphan): Promise<void> => void removed.push(`${id} of ${runtime}`);
  await removeOrphans(state, remove);
  await removeOrphans(state, remove);
  assert.deepEqual(removed.toSorted(), ["orphan of oci:runc", "unmade of process"]);
});

describe("the file for a container's id", () => {
  test("must not exist, and stays only when it has been written", () => {
    const path = join(fresh(), "cid");
    {
      using _ = new ContainerIdFile(path);
      assert.throws(() => new ContainerIdFile(path), { code: "exists", message: /container ID file found/ });
    }
    {
      using file = new ContainerIdFile(path);
      file.write("abc");
    }
    assert.equal(readFileSync(path, "utf8"), "abc");
  });

  test("must have a directory", () => {
    assert.throws(() => new ContainerIdFile(join(scratch, "no", "cid")), {
      code: "not-found",
      message: /^Cannot create container id file ".*": no such file or directory$/,
    });
  });
});

describe("the directory for state", () => {
  const uid = process.getuid?.() ?? 0;

  test("is root's in /run", () => assert.equal(stateDirectory(0, { XDG_RUNTIME_DIR: scratch }), "/run/orlop"));

  test("is the user's own, when only he can write to it", (t) => {
    if (uid === 0) {
      t.skip("needs an ordinary user");
      return;
    }
    const directory = fresh();
    chmodSync(directory, 0o700);
    assert.equal(stateDirectory(uid, { XDG_RUNTIME_DIR: directory }), join(directory, "orlop"));
    chmodSync(directory, 0o777);
    assert.equal(stateDirectory(uid, { XDG_RUNTIME_DIR: directory }), `/tmp/orlop-${uid}`);
    symlinkSync(directory, join(scratch, "link"));
    assert.equal(stateDirectory(uid, { XDG_RUNTIME_DIR: join(scratch, "link") }), `/tmp/orlop-${uid}`);
  });

  test("is refused when it belongs to somebody else", (t) => {
    if (uid !== 0) {
      t.skip("needs root, to ask for another user");
      return;
    }
    // What root makes for 64000 is not 64000's.
    assert.throws(() => stateDirectory(64000, {}), { code: "denied", message: /it is not yours alone\nTry setting/ });
    rmSync("/tmp/orlop-64000", { recursive: true });
  });
});
