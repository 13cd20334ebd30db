import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { suite, test } from "node:test";
import { patience } from "@orlop/testkit";
import { PumpBench } from "./log-pump-fixture.ts";

const timeout = patience(20_000);

suite("a log pump", { timeout }, () => {
  test("appends both streams to the log, says when the run has ended, and ends", async () => {
    await using bench = new PumpBench();
    const pump = await bench.start();
    assert.equal(readFileSync(`/proc/${pump.pid}/comm`, "utf8"), "orlop-log\n");
    const [out, err] = [bench.writer(), bench.writer("stderr")];
    await out.write("one\ntwo\n");
    await err.write("oh\n");
    out.close();
    await err.write("without an end");
    err.close();
    assert.equal(await pump.ended, "ended");
    assert.equal(await bench.text("stdout"), "one\ntwo\n");
    assert.equal(await bench.text("stderr"), "oh\nwithout an end");
    const lines = await bench.entries();
    assert.deepEqual(
      lines.filter(({ stream }) => stream === "stderr").map(({ data }) => data.toString()),
      ["oh\n", "without an end"],
    );
    assert.equal(statSync(bench.file).mode & 0o777, 0o600);
  });

  test("appends another run behind the first", async () => {
    await using bench = new PumpBench();
    for (const text of ["first\n", "second\n"]) {
      const pump = await bench.start({ terminal: true });
      const out = bench.writer();
      await out.write(text);
      out.close();
      await pump.ended;
    }
    assert.equal(await bench.text(), "first\nsecond\n");
  });

  test("is followed to its end, over rotations", async () => {
    await using bench = new PumpBench();
    const pump = await bench.start({ terminal: true, maxSizeBytes: 65_536, maxFiles: 100 });
    const out = bench.writer();
    const followed = bench.entries({ follow: true });
    const text = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join("");
    await out.write(text);
    out.close();
    await pump.ended;
    assert.equal(Buffer.concat((await followed).map(({ data }) => data)).toString(), text);
    assert.equal((await bench.entries()).length, 20_000);
    const last = await bench.entries({ tail: 5000 });
    assert.equal(Buffer.concat(last.map(({ data }) => data)).toString(), text.slice(text.indexOf("line 15000")));
  });
});
