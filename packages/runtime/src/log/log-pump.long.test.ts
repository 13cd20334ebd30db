import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { CONTROL_FD, emitReport, FLOCK, hostArchitecture, ProgramBuilder, reportBuffer, Zygote } from "@orlop/kernel";
import { patience } from "@orlop/testkit";
import { logBytes } from "./log-bytes-fixture.ts";
import { PumpBench } from "./log-pump-fixture.ts";
import { readLog } from "./read-log.ts";

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

  test("is followed to its end although files go before they are read", async () => {
    await using bench = new PumpBench();
    const pump = await bench.start({ terminal: true, maxSizeBytes: 2000, maxFiles: 1 });
    const out = bench.writer();
    const followed = bench.entries({ follow: true });
    for (let line = 0; line < 3000; line++) await out.write(`line ${line}\n`);
    out.close();
    await pump.ended;
    // Which of them it has met is chance, but it has come to the end.
    await followed;
    assert.equal((await bench.entries({ follow: true, from: "end" })).length, 0);
  });

  test("leaves a log alone that somebody else has locked", async (t) => {
    await using bench = new PumpBench();
    writeFileSync(bench.file, "");
    const zygote = Zygote.start();
    t.after(() => zygote.close());
    const p = new ProgramBuilder(hostArchitecture());
    const [file, failed] = [p.slot("file"), p.label("failed")];
    p.step({ action: "lock all of the log" });
    p.handler(failed);
    p.call("openat", [p.flags("AT_FDCWD"), p.text(bench.file), p.flags("O_RDWR"), 0], { into: file });
    p.call("fcntl", [file, p.flags("F_SETLK"), p.struct(FLOCK, { l_type: p.flags("F_WRLCK") })]);
    emitReport(p, reportBuffer(p), "created");
    // Until the other end of the socket is closed.
    p.call("read", [CONTROL_FD, p.buffer(8), 8]);
    p.mark(failed);
    p.call("exit_group", [0]);
    const kinds: string[] = [];
    const locked = new Promise<void>((resolve) => {
      zygote.submit(p.build(), ({ kind }) => {
        kinds.push(kind);
        if (kind === "created") resolve();
      });
    });
    await locked;
    await assert.rejects(bench.start(), { code: "conflict", errno: "EAGAIN" });
    assert.ok(!kinds.includes("ended"), "it was not killed");
  });

  test("is one for a log: a second one ends the first, and goes on where it was", async () => {
    await using bench = new PumpBench();
    const first = await bench.start({ terminal: true });
    const out = bench.writer();
    await out.write("one\n");
    const second = await bench.start({ terminal: true, resume: true });
    assert.equal(await first.ended, "lost");
    await out.write("two\n");
    out.close();
    assert.equal(await second.ended, "ended");
    assert.equal(await bench.text(), "one\ntwo\n");
  });

  test("leaves a log that is damaged as it is, and begins another", async () => {
    await using bench = new PumpBench();
    for (const damaged of [
      Buffer.from("not a log at all"),
      logBytes([{ kind: "stdout", data: "x" }]).fill(0, 48, 60),
    ]) {
      writeFileSync(bench.file, damaged);
      const pump = await bench.start({ terminal: true });
      const out = bench.writer();
      await out.write("one\n");
      out.close();
      assert.equal(await pump.ended, "ended");
      assert.deepEqual(readFileSync(`${bench.file}.1`), damaged);
      assert.equal((await bench.entries({ maxFiles: 1 })).length, 1);
    }
  });

  test("finds the end of a large log by its last checkpoint", async () => {
    await using bench = new PumpBench();
    const chunk = Buffer.alloc(60_000, "x");
    const first = await bench.start({ terminal: true });
    const out = bench.writer();
    for (let count = 0; count < 60; count++) await out.write(chunk);
    out.close();
    await first.ended;
    const { size } = statSync(bench.file);
    // Behind the header of the first record.
    const checkpoint = Number(readFileSync(bench.file).readBigUInt64LE(32));
    assert.ok(checkpoint > size - 1_200_000 && checkpoint <= size, `${checkpoint} of ${size}`);
    const second = await bench.start({ terminal: true });
    const more = bench.writer();
    await more.write("end\n");
    more.close();
    await second.ended;
    const text = await bench.text();
    assert.equal(text.length, 60 * chunk.length + 4);
    assert.deepEqual(
      (await bench.entries({ tail: 1 })).map(({ data }) => data.toString()),
      ["end\n"],
    );
  });

  test("keeps as many files as it is told to, none larger than it is told to", async () => {
    for (const [maxFiles, maxSizeBytes] of [
      [1, 1024],
      [3, 5000],
      [4, 100_000],
    ] as const) {
      await using bench = new PumpBench();
      const pump = await bench.start({ terminal: true, maxFiles, maxSizeBytes });
      const out = bench.writer();
      const lines = Array.from({ length: 10 * maxFiles }, (_, index) => `${index} `.padEnd(maxSizeBytes / 4, "x"));
      for (const line of lines) await out.write(line);
      out.close();
      await pump.ended;
      const names = readdirSync(bench.directory).filter((name) => name.startsWith("log"));
      assert.equal(names.length, maxFiles);
      for (const name of names) assert.ok(statSync(join(bench.directory, name)).size <= maxSizeBytes, name);
      const text = await bench.text();
      assert.ok(text.length > 0 && lines.join("").endsWith(text));
    }
  });

  test("is ended by no signal but KILL, and has a session of its own and nothing open that it does not need", async () => {
    await using bench = new PumpBench();
    const pump = await bench.start();
    const [out, err] = [bench.writer(), bench.writer("stderr")];
    for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGPIPE", "SIGXFSZ", "SIGUSR1"] as const) {
      process.kill(pump.pid, signal);
    }
    const stat = readFileSync(`/proc/${pump.pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
    assert.equal(Number(stat[3]), pump.pid);
    const links = readdirSync(`/proc/${pump.pid}/fd`).map((fd) => readlinkSync(`/proc/${pump.pid}/fd/${fd}`));
    const expected = [
      "/dev/null",
      bench.directory,
      bench.file,
      ...["stdout", "stderr"].map((n) => join(bench.directory, n)),
    ];
    assert.deepEqual(links.filter((link) => !link.startsWith("socket:")).sort(), expected.sort());
    assert.equal(links.length, expected.length + 1);
    await out.write("one\n");
    out.close();
    err.close();
    assert.equal(await pump.ended, "ended");
    assert.equal(await bench.text(), "one\n");
  });

  test("leaves when its caller does, where there is no container yet", async () => {
    await using bench = new PumpBench();
    const pump = await bench.start();
    await bench.closeZygote();
    const entries = await bench.entries({ follow: true });
    assert.deepEqual(entries, []);
    assert.ok(pump.pid > 0);
  });

  test("costs little when it is idle", async (t) => {
    await using bench = new PumpBench();
    const pump = await bench.start({ maxFiles: 5, maxSizeBytes: 10_000_000 });
    const [out] = [bench.writer(), bench.writer("stderr")];
    await out.write("one\n");
    for await (const _ of readLog(bench.file, { follow: true })) break;
    // Without a zygote that would share its pages.
    await bench.closeZygote();
    const kb = (name: string): number =>
      Number(
        new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pump.pid}/smaps_rollup`, "utf8"))?.[1],
      );
    const priv = kb("Private_Dirty") + kb("Private_Clean");
    t.diagnostic(`${priv} kB private`);
    assert.ok(priv > 0 && priv <= 40, `${priv} kB`);
  });

  test("refuses what means nothing, and what is no FIFO", async () => {
    await using bench = new PumpBench();
    for (const options of [
      { file: "log" },
      { directory: "relative" },
      { maxFiles: 0 },
      { maxFiles: 101 },
      { maxSizeBytes: 1023 },
    ]) {
      await assert.rejects(bench.start(options), { code: "invalid" }, JSON.stringify(options));
    }
    writeFileSync(join(bench.directory, "stdout"), "");
    await assert.rejects(bench.start(), {
      code: "exists",
      message: `Cannot make FIFO "${bench.directory}/stdout": file exists`,
    });
    await assert.rejects(bench.start({ file: "/nowhere/log" }), { code: "exists" });
    rmSync(join(bench.directory, "stdout"));
    await assert.rejects(bench.start({ file: "/nowhere/log" }), { code: "not-found" });
  });
});
