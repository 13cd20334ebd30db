import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { patience } from "@orlop/testkit";
import { PumpBench } from "./log-pump-fixture.ts";

const timeout = patience(120_000);

suite("a log pump", { timeout }, () => {
  test("that is killed again and again under full load loses and repeats nothing", async (t) => {
    await using bench = new PumpBench();
    const options = { terminal: true, maxSizeBytes: 400_000, maxFiles: 100 };
    const text = Array.from({ length: 400_000 }, (_, index) => `line ${index}\n`).join("");
    let pump = await bench.start(options);
    const writer = bench.writer();
    const followed = bench.entries({ follow: true });
    let isWritten = false;
    const writing = writer.write(text).then(() => {
      isWritten = true;
    });
    let kills = 0;
    for (; !isWritten; kills++) {
      await new Promise((resolve) => setTimeout(resolve, 1 + (kills % 7)));
      process.kill(pump.pid, "SIGKILL");
      assert.equal(await pump.ended, "lost");
      pump = await bench.start({ ...options, resume: true });
    }
    await writing;
    writer.close();
    assert.equal(await pump.ended, "ended");
    const lines = (await followed).map(({ data }) => data.toString());
    t.diagnostic(`${kills} kills`);
    assert.equal(lines.length, 400_000);
    assert.ok(lines.join("") === text);
    assert.ok((await bench.text()) === text);
  });
});
