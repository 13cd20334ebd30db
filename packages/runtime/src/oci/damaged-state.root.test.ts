import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { decodeReport, REPORT } from "@orlop/kernel";
import { until } from "../process/process-bench-fixture.ts";
import { type CommandBench, withCommand } from "./launcher/command-bench-fixture.ts";

const IDLE = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"];

/** Every verb that names a container and is no deletion by force, in an order in which each finds it as it was. */
function calls(id: string, bundle: string): readonly (readonly string[])[] {
  return [
    ["state", id],
    ["start", id],
    ["exec", id, "true"],
    ["ps", id],
    ["update", "--pids-limit", "10", id],
    ["events", "--stats", id],
    ["pause", id],
    ["resume", id],
    ["kill", id, "0"],
    ["checkpoint", "--image-path", join(bundle, "images"), id],
    ["create", "--bundle", bundle, id],
    ["run", "--bundle", bundle, id],
    ["delete", id],
  ];
}

/** Calls end with one error that is meant: neither a success, nor a failure that nobody foresaw, nor a hang. */
async function expectRefusals(bench: CommandBench, id: string, bundle: string, message: RegExp): Promise<void> {
  for (const words of calls(id, bundle)) {
    const { status, stderr } = await bench.call(words);
    assert.notEqual(status, 0, words.join(" "));
    assert.match(
      stderr,
      ["create", "run"].includes(words[0] ?? "") ? /already exists|not empty/ : message,
      words.join(" "),
    );
    assert.doesNotMatch(stderr, /should not have happened/);
  }
}

function makeFifo(path: string): void {
  rmSync(path);
  execFileSync("mkfifo", [path]);
}

suite("a container whose files are damaged", () => {
  const damages: readonly (readonly [what: string, damage: (directory: string) => void, message: RegExp])[] = [
    [
      "an empty record",
      (path) => truncateSync(join(path, "container.json"), 0),
      /^Cannot read .*: its record is damaged/,
    ],
    [
      "half a record",
      (path) => truncateSync(join(path, "container.json"), 100),
      /^Cannot read .*: its record is damaged/,
    ],
    ["a record of nothing", (path) => writeFileSync(join(path, "container.json"), '{"schemaVersion":1}'), /damaged/],
    [
      "a record whose cgroups are none",
      (path) => {
        const record = JSON.parse(readFileSync(join(path, "container.json"), "utf8"));
        writeFileSync(join(path, "container.json"), JSON.stringify({ ...record, cgroups: [7] }));
      },
      /damaged/,
    ],
    ["no record", (path) => rmSync(join(path, "container.json")), /does not exist/],
    ["a FIFO for a record", (path) => makeFifo(join(path, "container.json")), /^Cannot read .*: its record is damaged/],
  ];
  test("is refused to every verb, and deleted by force, with all that belongs to it", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      for (const [what, damage, message] of damages) {
        await t.test(`with ${what}`, async () => {
          const before = bench.remember();
          const { id, path } = bench.bundle(IDLE);
          assert.equal((await bench.call(["run", "--detach", "--bundle", path, id])).status, 0);
          damage(join(bench.root, id));
          await expectRefusals(bench, id, path, message);
          assert.equal((await bench.call(["list"])).status, 0);
          const { status, stderr } = await bench.call(["delete", "--force", id]);
          assert.deepEqual([status, stderr], [0, ""]);
          await bench.expectNothingLeft(before);
        });
      }
    });
  });

  test("in their hooks is deleted without them, with a warning", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const before = bench.remember();
      for (const damage of [truncateSync, makeFifo]) {
        const { id, path } = bench.bundle(IDLE, { top: { hooks: { poststop: [{ path: "/bin/true" }] } } });
        assert.equal((await bench.call(["run", "--detach", "--bundle", path, id])).status, 0);
        damage(join(bench.root, id, "config.json"));
        const { status, stderr } = await bench.call(["delete", "--force", id]);
        assert.deepEqual(
          [status, stderr],
          [0, `warning: Cannot run hooks of container "${id}": its config is damaged\n`],
        );
      }
      await bench.expectNothingLeft(before);
    });
  });

  test("in what its init waits at is not started", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const before = bench.remember();
      for (const name of ["start", "result"]) {
        const { id, path } = bench.bundle(IDLE);
        assert.equal((await bench.call(["create", "--bundle", path, id])).status, 0);
        const pipe = join(bench.root, id, name);
        rmSync(pipe);
        writeFileSync(pipe, "");
        const { status, stderr } = await bench.call(["start", id]);
        assert.equal(status, 1);
        assert.match(stderr, new RegExp(`^Cannot start container "${id}": its ".*" is damaged\\n$`));
        assert.equal((await bench.call(["delete", "--force", id])).status, 0);
      }
      await bench.expectNothingLeft(before);
    });
  });

  test("is taken for ended when its pid is somebody else's by now, who is left alone", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const before = bench.remember();
      const { id, path } = bench.bundle(["/bin/true"]);
      // Without a record nobody could tell which cgroups it had.
      const run = ["--cgroup-manager", "disabled", "run", "--detach", "--bundle", path, id];
      assert.equal((await bench.call(run)).status, 0);
      await until("its end", async () => ((await bench.state(id)).status === "stopped" ? true : undefined));
      const created = readFileSync(join(bench.root, id, "created"));
      assert.ok(decodeReport(created) !== undefined);
      const other = spawn("sleep", ["1000"], { stdio: "ignore" });
      const gone = once(other, "exit");
      try {
        created.writeBigInt64LE(BigInt(other.pid ?? 0), REPORT.fields.value.offset);
        writeFileSync(join(bench.root, id, "created"), created);
        assert.equal((await bench.state(id)).status, "stopped");
        for (const words of [
          ["kill", id, "KILL"],
          ["exec", id, "true"],
          ["pause", id],
        ]) {
          const { status, stderr } = await bench.call(words);
          assert.notEqual(status, 0, words.join(" "));
          assert.match(stderr, /not running|stopped/, words.join(" "));
        }
        // Not even without a record that says when.
        truncateSync(join(bench.root, id, "container.json"), 0);
        assert.equal((await bench.call(["delete", "--force", id])).status, 0);
        assert.equal(other.exitCode ?? other.signalCode, null, "the other process was ended");
      } finally {
        other.kill("SIGKILL");
        await gone;
      }
      await bench.expectNothingLeft(before);
    });
  });

  test("goes on without its bundle, and ends with everything", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const before = bench.remember();
      const { id, path } = bench.bundle(IDLE);
      assert.equal((await bench.call(["run", "--detach", "--bundle", path, id])).status, 0);
      renameSync(path, `${path}.gone`);
      mkdirSync(path);
      for (const words of calls(id, path).filter(([verb = ""]) =>
        ["state", "ps", "update", "pause", "resume"].includes(verb),
      )) {
        assert.equal((await bench.call(words)).status, 0, words.join(" "));
      }
      const { status, stderr } = await bench.call(["exec", id, "true"]);
      assert.deepEqual([status, stderr.split("\n").length], [255, 2]);
      assert.match(stderr, /^Cannot read bundle/);
      assert.equal((await bench.call(["delete", "--force", id])).status, 0);
      await bench.expectNothingLeft(before);
    });
  });
});

/** The exit status of what SIGKILL has ended. */
const KILLED = 137;

suite("two verbs at once", () => {
  const pairs: readonly (readonly [first: string, second: string])[] = [
    ["start", "start"],
    ["start", "delete --force"],
    ["create", "create"],
    ["create", "delete --force"],
    ["kill", "delete --force"],
    ["pause", "delete --force"],
    ["exec", "delete --force"],
    ["update", "delete --force"],
    ["delete --force", "delete --force"],
  ];
  const words = (verb: string, id: string, bundle: string): readonly string[] => {
    if (verb === "create") return ["create", "--bundle", bundle, id];
    if (verb === "update") return ["update", "--pids-limit", "20", id];
    return [...verb.split(" "), id, ...({ kill: ["KILL"], exec: ["true"] }[verb] ?? [])];
  };

  test("on one container are each done, or refused in words, and leave nothing", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const before = bench.remember();
      for (const pair of pairs) {
        const { id, path } = bench.bundle(IDLE);
        if (pair[0] !== "create") assert.equal((await bench.call(["create", "--bundle", path, id])).status, 0);
        const ends = await Promise.all(pair.map((verb) => bench.call(words(verb, id, path))));
        for (const { status, stderr } of ends) {
          // The program of an exec ran, and ended with its container.
          const isKilledExec = pair[0] === "exec" && status === KILLED && stderr === "";
          if (status !== 0 && !isKilledExec) {
            assert.match(stderr, /^(warning: .*\n)?[Cc]annot .+\n/, pair.join(", "));
          }
        }
        if (pair[0] === pair[1] && ["create", "start"].includes(pair[0])) {
          assert.equal(ends.filter(({ status }) => status === 0).length, 1, `${pair[0]} done twice`);
        }
        assert.equal((await bench.call(["delete", "--force", id])).status, 0, pair.join(", "));
      }
      await bench.expectNothingLeft(before);
    });
  });

  test("are a creation of what is there already, also where that stands still", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const before = bench.remember();
      const { id, path } = bench.bundle(IDLE);
      assert.equal((await bench.call(["run", "--detach", "--bundle", path, id])).status, 0);
      for (const verb of ["resume", "pause"]) {
        await bench.call([verb, id]);
        const { status, stderr } = await bench.call(["create", "--bundle", path, id]);
        assert.notEqual(status, 0);
        assert.match(
          stderr,
          /^Cannot create container ".*": a container of this id exists \(.*already exists\)\n$/,
          verb,
        );
      }
      assert.equal((await bench.call(["delete", "--force", id])).status, 0);
      await bench.expectNothingLeft(before);
    });
  });

  test("of which one is an exec into what is frozen: that ends with the container", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const before = bench.remember();
      const { id, path } = bench.bundle(IDLE);
      assert.equal((await bench.call(["create", "--bundle", path, id])).status, 0);
      assert.equal((await bench.call(["pause", id])).status, 0);
      const exec = bench.start(["exec", "--ignore-paused", id, "true"]);
      const processes = async () =>
        JSON.parse((await bench.call(["ps", "--format", "json", id])).stdout) as readonly number[];
      await until("the exec", async () => ((await processes()).length > 1 ? true : undefined));
      assert.equal((await bench.call(["delete", "--force", id])).status, 0);
      await exec.ended;
      await bench.expectNothingLeft(before);
    });
  });
});
