import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { before, describe, test } from "node:test";
import { busyboxObstacle, LayoutWriter, makeBusyboxRootfs, makeTar } from "@orlop/testkit";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

const LAYER = makeTar([
  { path: "data/old", content: "old" },
  { path: "data/kept", content: "kept" },
  { path: "other/kept", content: "kept" },
  { path: "mode", content: "same" },
]);

/** Writes what there is to write, tells so, and stays until the test writes to the FIFO. */
const SCRIPT = [
  "echo changed > /other/kept; rm /data/kept; rm -r /data; mkdir -p /data/new; echo text > /data/new/f; ln /data/new/f /data/g",
  "ln -s f /data/new/l; mkfifo /data/pipe; chmod 600 /mode; touch -d @1700000000 /data/new/f",
  "touch -d @1700000000 /data/new /data /other /data/new/l /data/pipe /other/kept /mode",
  "echo volume > /volume/f; mkdir /gone; rmdir /gone; echo written; read line < /volume/fifo",
].join("; ");

const CHANGES = [
  ["C", "/data"],
  ["A", "/data/g"],
  ["D", "/data/kept"],
  ["A", "/data/new"],
  ["A", "/data/new/f"],
  ["A", "/data/new/l"],
  ["D", "/data/old"],
  ["A", "/data/pipe"],
  ["C", "/mode"],
  ["C", "/other"],
  ["C", "/other/kept"],
  ["A", "/volume"],
] as const;

/** Images of containers that run, through the command. */
export function commitSuite(options: SuiteOptions): void {
  const skip = options.skip || busyboxObstacle() || false;
  const c = new SuiteContext({ ...options, skip });

  describe("a container that runs", { skip }, () => {
    const image = "localhost/base:1";
    const name = `box-${process.pid}`;
    const output = async (...args: readonly string[]): Promise<string> => {
      const { exitCode, stdout, stderr } = await c.fixture.orlop(args);
      assert.equal(exitCode, 0, stderr);
      return stdout.trim();
    };
    const refusal = async (...args: readonly string[]): Promise<string> => {
      const { exitCode, stderr } = await c.fixture.orlop(args);
      assert.equal(exitCode, 1);
      return stderr;
    };

    /** Does something beside a container that has written. */
    async function beside<T>(flags: readonly string[], of: string, work: () => Promise<T>): Promise<T> {
      const volume = c.place("volume");
      mkdirSync(volume);
      execFileSync("mkfifo", [`${volume}/fifo`]);
      const fd = openSync(`${volume}/fifo`, constants.O_RDWR);
      const done = Promise.withResolvers<T>();
      done.promise.catch(() => {});
      try {
        const args = ["--name", name, "-v", `${volume}:/volume`, ...flags, of, "sh", "-c", SCRIPT];
        const { exitCode, stderr } = await c.run(args, {
          onOutput: (text) => {
            if (text === "written\n") {
              work()
                .then(done.resolve, done.reject)
                .finally(() => writeSync(fd, "end\n"));
            }
          },
        });
        assert.equal(exitCode, 0, stderr);
        return await done.promise;
      } finally {
        closeSync(fd);
        rmSync(volume, { recursive: true });
      }
    }

    before(async () => {
      if (skip) return;
      const rootfs = c.place("rootfs");
      makeBusyboxRootfs(rootfs);
      const layout = new LayoutWriter(c.place("layout"));
      const base = execFileSync("tar", ["-C", rootfs, "-cf", "-", "."], { maxBuffer: 1 << 26 });
      const config = { Cmd: ["/bin/false"], Env: ["A=1", "PATH=/bin"], Labels: { of: "base" } };
      layout.publish([layout.manifest({ layers: [{ tar: base }, { tar: LAYER }], config })]);
      await output("tag", await output("pull", "-q", `oci:${layout.directory}`), image);
    });

    test("tells what it has written, and nothing of what is mounted in it", async () => {
      const [text, json] = await beside([], image, async () => [
        await output("diff", name),
        await output("diff", "--format", "json", name),
      ]);
      assert.deepEqual(
        text?.split("\n"),
        CHANGES.map((change) => change.join(" ")),
      );
      const paths = (letter: string): readonly string[] =>
        CHANGES.filter(([kind]) => kind === letter).map(([, path]) => path);
      assert.deepEqual(JSON.parse(json ?? ""), { added: paths("A"), changed: paths("C"), deleted: paths("D") });
    });

    test("becomes an image that has what it has written, starts as it did, and tells how it was made", async () => {
      const flags = ["-e", "B=2", "-w", "/data"];
      const ids = await beside(flags, image, async () => [
        await output(
          "commit",
          "-m",
          "why",
          "-a",
          "who",
          "-c",
          'CMD ["sh"]',
          "-c",
          "LABEL by=$B",
          name,
          "localhost/made:1",
        ),
        await output("commit", "-p=false", (await c.fixture.containerIds()).at(-1)?.slice(0, 12) ?? ""),
      ]);
      assert.deepEqual(ids, [await output("images", "-q", "--no-trunc", "localhost/made:1"), ids[1]]);
      const script = "find . | sort; cat g /other/kept; stat -c %a /mode; ls -d /gone /volume/f 2>&1; echo $A $B; pwd";
      assert.deepEqual((await output("run", "localhost/made:1", "sh", "-c", script)).split("\n"), [
        ...[".", "./g", "./new", "./new/f", "./new/l", "./pipe"],
        ...["text", "changed", "600"],
        ...["ls: /gone: No such file or directory", "ls: /volume/f: No such file or directory"],
        ...["1 2", "/data"],
      ]);
      const inspect = (format: string, of: string): Promise<string> => output("inspect", "-f", format, of);
      assert.equal(
        await inspect("{{.Author}} {{.Comment}} {{json .Config.Cmd}} {{json .Config.Labels}}", "localhost/made:1"),
        'who why ["sh"] {"by":"2","of":"base"}',
      );
      assert.match(await inspect("{{json .Config.Cmd}}", ids[1] ?? ""), /^\["sh","-c","echo changed/);
      assert.match(await output("history", "localhost/made:1"), /sh -c echo changed.* why\n<missing>/);
    });

    test("makes the same layer of the same files, whatever is on the disk, and others read it", async () => {
      const layer = "{{index .RootFS.Layers 2}}";
      const layers: string[] = [];
      for (const to of ["localhost/same:1", "localhost/same:2"]) {
        await beside([], image, async () => await output("commit", name, to));
        layers.push(await output("inspect", "-f", layer, to));
      }
      const top = await output("run", "localhost/same:1", "stat", "-c", "%Y", "/data/new");
      assert.equal(top, "1700000000");
      const archive = c.place("saved.tar");
      await output("save", "-o", archive, "localhost/same:1");
      await output("rmi", "localhost/same:1");
      await output("load", "-q", "-i", archive);
      assert.equal(await output("inspect", "-f", layer, "localhost/same:1"), layers[0]);
      rmSync(archive);
    });

    test("goes on after it has been made an image, also where that fails", async () => {
      await beside([], image, async () => {
        assert.match(await refusal("commit", name, "Upper"), /repository names are in lower case/);
        assert.match(await refusal("commit", "-c", "RUN true", name), /Cannot use change "RUN true": there are CMD, /);
        assert.match(await refusal("commit", "nobody"), /Cannot find container "nobody": no such container/);
      });
    });

    test("of no image is not made one, and the reason is told", async () => {
      await beside([], `dir:${c.place("rootfs")}`, async () => {
        for (const verb of ["commit", "diff"]) {
          assert.match(
            await refusal(verb, name),
            /Cannot (commit|compare) container .*: its files are those of a directory/,
          );
        }
      });
    });

    c.testLeftovers();
  });
}
