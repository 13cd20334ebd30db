import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

/** Which containers verbs are about where they are not named, and what lists tell of them. */
export function choicesSuite(options: SuiteOptions): void {
  const c = new SuiteContext(options);
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await c.fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  const fails = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stderr } = await c.fixture.orlop(args);
    assert.notEqual(exitCode, 0, args.join(" "));
    return stderr;
  };

  const shared = { c, ok, fails };
  choiceCases(shared);
  removalCases(shared);
  waitCases(shared);
  listCases(shared);
  test("no container is left", { skip: c.skip }, async () => assert.equal(await ok("ps", "-aq"), ""));
  c.testLeftovers();
}

interface Shared {
  readonly c: SuiteContext;
  readonly ok: (...args: readonly string[]) => Promise<string>;
  readonly fails: (...args: readonly string[]) => Promise<string>;
}

function choiceCases({ c, ok, fails }: Shared): void {
  describe("containers that are not named", { skip: c.skip }, () => {
    test("are the one made last, for verbs that take one and that take many", async () => {
      await ok("create", ...c.fixture.idFlags(), "--name", "older", "host", "true");
      const id = await ok(
        "run",
        "-d",
        ...c.fixture.idFlags(),
        "--name",
        "newer",
        "host",
        "sh",
        "-c",
        "echo hi; sleep 1000",
      );
      assert.equal(await ok("exec", "-l", "cat", "/proc/1/comm"), "sh");
      assert.equal(await ok("inspect", "-l", "-f", "{{.Name}}"), "/newer");
      assert.match(await ok("top", "-l"), /sleep 1000/);
      while ((await ok("logs", "-l")) === "");
      assert.equal(await ok("logs", "-l", "--names"), "newer hi");
      assert.match(await ok("stats", "-l", "--no-stream", "--format", "{{.Name}}"), /^newer$/);
      assert.equal(await ok("stop", "-l", "-t", "0"), id);
      assert.equal(await ok("wait", "-l"), "137");
      assert.match(await fails("stop", "-l", "older"), /either the latest container is taken/);
      assert.equal(await ok("rm", "-l"), id);
      assert.equal(await ok("ps", "-a", "--format", "{{.Names}}"), "older");
      await ok("rm", "older");
      assert.match(await fails("rm", "-l"), /there is no container/);
    });

    test("are those whose ids stand in files", async () => {
      const flags = c.fixture.idFlags();
      const file = flags[1] ?? "";
      const id = await ok("run", "-d", ...flags, "--name", "filed", "host", "sleep", "1000");
      assert.equal(await ok("kill", "--cidfile", file), id);
      await ok("wait", "filed");
      assert.equal(await ok("rm", "--cidfile", file), id);
      assert.match(await fails("rm", "--cidfile", file), /No such container/);
      assert.equal(await ok("rm", "--ignore", "--cidfile", file, "nobody"), "");
      assert.equal(await ok("stop", "--ignore", "nobody"), "");
      assert.match(await fails("stop", "nobody"), /No such container: nobody/);
      writeFileSync(c.place("empty"), "");
      assert.match(await fails("stop", "--cidfile", c.place("empty")), /it is empty/);
    });

    test("and what is asked about them by exit codes", async () => {
      await ok("create", ...c.fixture.idFlags(), "--name", "there", "host", "true");
      await ok("volume", "create", "there");
      for (const noun of ["container", "volume"]) {
        const [here, gone] = await Promise.all(
          ["there", "gone"].map((name) => c.fixture.orlop([noun, "exists", name])),
        );
        assert.deepEqual([here?.exitCode, gone?.exitCode, gone?.stderr], [0, 1, ""], noun);
      }
      const image = await c.fixture.orlop(["image", "exists", "no-such-image"]);
      assert.deepEqual([image.exitCode, image.stderr], [1, ""]);
      assert.equal((await c.fixture.orlop(["container", "exists"])).exitCode, 125);
      await ok("volume", "rm", "there");
      await ok("rm", "there");
    });
  });
}

function removalCases({ c, ok, fails }: Shared): void {
  describe("a container that is removed by force", { skip: c.skip }, () => {
    test("has the time it is given to put things in order", async () => {
      const script = "trap 'touch /out/ordered; exit' TERM; touch /out/ready; while :; do sleep 0.05; done";
      const out = c.place("out");
      const args = [...c.fixture.idFlags(), "--name", "orderly", "-v", `${out}:/out`, "host", "sh", "-c", script];
      await ok("run", "-d", ...args);
      while (!existsSync(`${out}/ready`)) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.match(await fails("rm", "-t", "20", "orderly"), /--time is for --force/);
      assert.equal(await ok("rm", "-f", "-t", "20", "orderly"), "orderly");
      assert.equal(existsSync(`${out}/ordered`), true);
      assert.equal(await ok("ps", "-aq"), "");
    });
  });
}

function waitCases({ c, ok, fails }: Shared): void {
  describe("a wait", { skip: c.skip }, () => {
    test("is for what it is told to be for", async () => {
      await ok("create", ...c.fixture.idFlags(), "--name", "late", "host", "sleep", "1000");
      assert.equal(await ok("wait", "--condition", "created", "late"), "-1");
      const waiting = ok("wait", "--condition", "running", "--interval", "20ms", "late");
      await ok("start", "late");
      assert.equal(await waiting, "-1");
      const ending = ok("wait", "--condition", "exited", "--condition", "paused", "-i", "20", "late");
      await ok("kill", "late");
      assert.equal(await ending, "137");
      assert.match(await fails("wait", "--condition", "happy", "late"), /there are stopped, exited, /);
      await ok("rm", "late");
    });
  });
}

function listCases({ c, ok, fails }: Shared): void {
  describe("a list", { skip: c.skip }, () => {
    test("has sizes, pods, namespaces, another order and no headings where they are asked for", async () => {
      await ok("create", ...c.fixture.idFlags(), "--name", "zebra", "host", "true");
      await ok("run", "-d", ...c.fixture.idFlags(), "--name", "ant", "host", "sleep", "1000");
      assert.match(await ok("ps", "-as"), /NAMES +SIZE\n(.* 0B\n?){2}$/);
      assert.equal(await ok("inspect", "-s", "-f", "{{.SizeRw}} {{.SizeRootFs}}", "ant"), "0 0");
      assert.match(await ok("ps", "-p"), /NAMES +POD ID +PODNAME\n/);
      assert.equal(await ok("ps", "-a", "--sort", "names", "--format", "{{.Names}}"), "ant\nzebra");
      assert.equal(await ok("ps", "-a", "--sort", "created", "--format", "{{.Names}}"), "zebra\nant");
      assert.match(await ok("ps", "--noheading"), /^[0-9a-f]{12} +host /);
      const [, row = ""] = (await ok("ps", "--ns")).split("\n");
      assert.match(row, /^[0-9a-f]{12} +ant +\d+( +\d+){7}$/);
      assert.match(await fails("ps", "--sort", "beauty"), /there are command, created/);
      assert.match(await ok("system", "df", "-v"), /Containers space usage:\n\n.*\n[0-9a-f]{12} +host/);
      await ok("rm", "-f", "ant", "zebra");
    });
  });
}
