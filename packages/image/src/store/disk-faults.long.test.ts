import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { bytesOf, hookDiskCalls, makeTestBlob, temporaryDirectory } from "@orlop/testkit";
// Loaded before calls fail: the store reads its own code no sooner than it takes something in.
import "./blob-ingests.ts";
import { openStore, type Store } from "./open-store.ts";

const SIZE = 1_500_000;
/** A short look (`ORLOP_FUZZ_RUNS`, fewer than usual) has one of so many calls fail. */
const STEP = Number(process.env.ORLOP_FUZZ_RUNS ?? 1000) < 1000 ? 9 : 1;
/** Only there to end a test that never comes to the end of its calls. */
const CALLS_MAX = 400;

const blob = makeTestBlob("faults", SIZE);

/** As node:fs and node:sqlite throw it. */
function fault(call: string, code: "ENOSPC" | "EIO"): Error {
  if (call === "exec" || call === "run") {
    const errcode = code === "ENOSPC" ? 13 : 10;
    return Object.assign(new Error(call), { code: "ERR_SQLITE_ERROR", errcode });
  }
  return Object.assign(new Error(`${code}: ${call}`), { code, syscall: call, errno: -1 });
}

async function takeIn({ content, images }: Store): Promise<void> {
  {
    await using ingest = await content.ingest(blob);
    const half = SIZE / 2;
    await ingest?.write(blob.bytes.subarray(half), half);
    await ingest?.write(blob.bytes.subarray(0, half), 0);
    await ingest?.commit({ a: "1" });
  }
  await images.put("name", { mediaType: "text/plain", digest: blob.digest, size: SIZE });
  await content.setLabels(blob.digest, { b: "2" });
}

/** Whether `takeIn` went well although one of its calls to the disk failed, or made fewer. */
async function takeInWithFault(
  root: string,
  failing: number,
  code: "ENOSPC" | "EIO",
): Promise<"fine" | "failed" | "done"> {
  let calls = 0;
  using store = openStore(root);
  using _hooked = await hookDiskCalls((call) => {
    if (++calls === failing) throw fault(call, code);
  });
  try {
    await takeIn(store);
    return calls < failing ? "done" : "fine";
  } catch (error) {
    assert.ok(error instanceof OrlopError, String(error));
    assert.ok(["exhausted", "failed"].includes(error.code), `${error.code}: ${error.message}`);
    return "failed";
  }
}

for (const code of ["ENOSPC", "EIO"] as const) {
  test(`${code} from any call leaves the store usable, and the next try succeeds`, async () => {
    const outcomes = { fine: 0, failed: 0 };
    for (let failing = 1; ; failing += STEP) {
      assert.ok(failing < CALLS_MAX, "there are ever more calls");
      using directory = temporaryDirectory();
      const outcome = await takeInWithFault(directory.path, failing, code);
      if (outcome === "done") break;
      outcomes[outcome]++;
      using store = openStore(directory.path);
      if (await store.content.has(blob.digest)) {
        assert.ok((await bytesOf(store.content.read(blob.digest))).equals(blob.bytes));
      }
      await takeIn(store);
      assert.ok((await bytesOf(store.content.read(blob.digest))).equals(blob.bytes));
      assert.deepEqual(await Array.fromAsync(store.content.ingests()), []);
    }
    assert.ok(outcomes.failed > 20 / STEP, `only ${outcomes.failed} calls failed`);
  });
}

test("a store goes on after a failure without being opened again", async () => {
  using directory = temporaryDirectory();
  using store = openStore(directory.path);
  for (let failing = 1; failing < 60; failing += 3 * STEP) {
    let calls = 0;
    {
      using _hooked = await hookDiskCalls((call) => {
        if (++calls === failing) throw fault(call, "ENOSPC");
      });
      await takeIn(store).catch(() => {});
    }
    await takeIn(store);
    assert.ok((await bytesOf(store.content.read(blob.digest))).equals(blob.bytes));
    await store.content.delete(blob.digest);
  }
});
