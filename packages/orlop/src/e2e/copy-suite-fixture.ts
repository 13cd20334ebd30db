import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { busyboxObstacle, LayoutWriter, makeBusyboxRootfs, makeTar } from "@orlop/testkit";
import { LAUNCHER } from "./command-fixture.ts";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

/** Files that go into and out of containers. */
export function copySuite(options: SuiteOptions): void {
  const skip = options.skip || busyboxObstacle() || false;
  const bench = new CopyBench(new SuiteContext({ ...options, skip }));
  describe("files of a container", { skip }, () => {
    before(() => {
      if (!skip) bench.makeImage();
    });
    copyCases(bench);
    archiveCases(bench);
    exportCases(bench);
    hostileCases(bench);
    test("no container is left", async () => {
      const ids = (await bench.ok("ps", "-aq", "--no-trunc")).split("\n").filter((id) => id !== "");
      if (ids.length > 0) await bench.ok("rm", "-f", ...ids);
    });
    bench.context.testLeftovers();
  });
}

class CopyBench {
  readonly context: SuiteContext;

  constructor(context: SuiteContext) {
    this.context = context;
  }

  place(name: string): string {
    return this.context.place(name);
  }

  get image(): string {
    return `oci:${this.place("layout")}`;
  }

  /** Busybox, and files that a program which runs in there would load or read first (CVE-2019-14271). */
  makeImage(): void {
    const rootfs = this.place("rootfs");
    makeBusyboxRootfs(rootfs);
    const layout = new LayoutWriter(this.place("layout"));
    const base = execFileSync("tar", ["-C", rootfs, "-cf", "-", "."], { maxBuffer: 1 << 26 });
    const layer = makeTar([
      { path: "etc/app.conf", content: "of the image" },
      { path: "etc/nsswitch.conf", content: "passwd: files\ngroup: files\n" },
      { path: "lib/libnss_files.so.2", content: "no library", mode: 0o755 },
      { path: "data/kept", content: "kept" },
    ]);
    layout.publish([layout.manifest({ layers: [{ tar: base }, { tar: layer }], config: { Cmd: ["/bin/sh"] } })]);
  }

  async ok(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.context.fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  }

  async refusal(...args: readonly string[]): Promise<string> {
    const { exitCode, stderr } = await this.context.fixture.orlop(args);
    assert.equal(exitCode, 1);
    return stderr;
  }

  /** A container that has not run, one that runs, and one that has ended. */
  async eachOf(name: string, work: (name: string) => Promise<void>): Promise<void> {
    const flags = this.context.fixture.idFlags();
    await this.ok("create", ...flags, "--name", name, this.image, "sleep", "1000");
    await work(name);
    await this.ok("start", name);
    await work(name);
    await this.ok("stop", "-t", "0", name);
    await work(name);
    await this.ok("rm", name);
  }
}

function copyCases(bench: CopyBench): void {
  test("are copied out and in, whether or not it runs", async () => {
    const [out, back] = [bench.place("out"), bench.place("back")];
    mkdirSync(out);
    writeFileSync(back, "written outside", { mode: 0o600 });
    await bench.eachOf("copied", async (name) => {
      await bench.ok("cp", `${name}:/etc/app.conf`, `${out}/conf`);
      assert.equal(readFileSync(`${out}/conf`, "utf8"), "of the image");
      await bench.ok("cp", `${name}:/data/.`, out);
      assert.equal(readFileSync(`${out}/kept`, "utf8"), "kept");
      await bench.ok("cp", back, `${name}:/data/new`);
      await bench.ok("cp", `${name}:/data/new`, `${out}/new`);
      assert.equal(readFileSync(`${out}/new`, "utf8"), "written outside");
      assert.match(
        await bench.refusal("cp", `${name}:/none`, out),
        /Could not find the file \/none in container copied/,
      );
      assert.match(await bench.refusal("cp", `${out}/none`, `${name}:/`), /no such file or directory/);
    });
  });

  test("belong to root in the container, and are there when it runs", async () => {
    writeFileSync(bench.place("script"), "#!/bin/sh\nstat -c '%u %a' /bin/script; cat /data/more/f\n", { mode: 0o755 });
    mkdirSync(bench.place("more"));
    writeFileSync(bench.place("more/f"), "in a directory\n");
    const flags = bench.context.fixture.idFlags();
    await bench.ok("create", ...flags, "--name", "later", bench.image, "script");
    await bench.ok("cp", bench.place("script"), "later:/bin");
    await bench.ok("cp", bench.place("more"), "later:/data");
    assert.equal(await bench.ok("start", "-a", "later"), "0 755\nin a directory");
    assert.match(await bench.ok("diff", "later"), /^A \/bin\/script$/m);
    await bench.ok("rm", "later");
  });
}

function archiveCases(bench: CopyBench): void {
  test("come and go as archives", async () => {
    const archive = bench.place("files.tar");
    const flags = bench.context.fixture.idFlags();
    await bench.ok("create", ...flags, "--name", "packed", bench.image);
    const launcher = await bench.context.fixture.start("sh", ["-c", `"$0" cp packed:/etc - > ${archive}`, LAUNCHER]);
    assert.equal(launcher.exitCode, 0, launcher.stderr);
    const listed = execFileSync("tar", ["-tvf", archive, "--numeric-owner"], { encoding: "utf8" });
    assert.match(listed, /^drwxr-xr-x 0\/0 .* etc\/\n/);
    assert.match(listed, /-rw-r--r-- 0\/0 +12 .* etc\/app.conf\n/);
    const taken = await bench.context.fixture.start("sh", ["-c", `"$0" cp - packed:/data < ${archive}`, LAUNCHER]);
    assert.equal(taken.exitCode, 0, taken.stderr);
    await bench.ok("cp", "packed:/data/etc/app.conf", bench.place("from-archive"));
    assert.equal(readFileSync(bench.place("from-archive"), "utf8"), "of the image");
    await bench.ok("rm", "packed");
  });
}

function exportCases(bench: CopyBench): void {
  test("are exported as a whole, without what is mounted, whether or not it runs", async () => {
    const volume = bench.place("export-volume");
    mkdirSync(volume);
    writeFileSync(`${volume}/f`, "of a volume");
    const flags = [...bench.context.fixture.idFlags(), "--name", "whole", "-v", `${volume}:/volume`];
    await bench.ok("create", ...flags, bench.image, "sh", "-c", "echo new > /data/new; echo ready; exec sleep 1000");
    const listed = async (): Promise<readonly string[]> => {
      await bench.ok("export", "-o", bench.place("whole.tar"), "whole");
      return execFileSync("tar", ["-tf", bench.place("whole.tar")], { encoding: "utf8" }).split("\n");
    };
    const has = async (path: string): Promise<boolean> => (await listed()).includes(path);
    assert.deepEqual([await has("etc/app.conf"), await has("data/new"), await has("volume/f")], [true, false, false]);
    await bench.ok("start", "whole");
    for (let text = ""; !text.includes("ready"); ) text = await bench.ok("logs", "whole");
    const running = await listed();
    for (const path of ["./", "etc/app.conf", "data/new", "proc/", "volume/"]) assert.ok(running.includes(path), path);
    assert.deepEqual(
      running.filter((path) => /^(proc|dev|volume)\/./.test(path)),
      [],
    );
    await bench.ok("stop", "-t", "0", "whole");
    const imported = await bench.ok("import", bench.place("whole.tar"), "localhost/flat:1");
    assert.match(imported, /^sha256:/);
    assert.equal(await bench.ok("run", "--rm", "localhost/flat:1", "cat", "/data/new"), "new");
    await bench.ok("rm", "whole");
  });

  test("of this machine are not exported", async () => {
    await bench.ok("create", ...bench.context.fixture.idFlags(), "--name", "mine", "host", "true");
    assert.match(await bench.refusal("export", "mine"), /its files are this machine's own/);
    await bench.ok("rm", "mine");
  });
}

function hostileCases(bench: CopyBench): void {
  test("are read and written within it, wherever its links lead", async () => {
    const outside = bench.place("outside");
    mkdirSync(outside);
    writeFileSync(`${outside}/secret`, "secret");
    const script = `mkdir -p /trap && ln -s ${outside} /trap/out && echo ready; exec sleep 1000`;
    await bench.ok("run", "-d", ...bench.context.fixture.idFlags(), "--name", "trap", bench.image, "sh", "-c", script);
    for (let text = ""; !text.includes("ready"); ) text = await bench.ok("logs", "trap");
    assert.match(await bench.refusal("cp", "trap:/trap/out/secret", bench.place("stolen")), /Could not find/);
    assert.match(await bench.refusal("cp", `${outside}/secret`, "trap:/trap/out/planted"), /Could not find/);
    await bench.ok("cp", "trap:/trap", bench.place("taken"));
    assert.deepEqual(readdirSync(outside), ["secret"]);
    assert.equal(statSync(bench.place("taken")).isDirectory(), true);
    await bench.ok("rm", "-f", "trap");
  });

  test("of a root that is read-only stay", async () => {
    const flags = [...bench.context.fixture.idFlags(), "--read-only", "--name", "firm"];
    await bench.ok("create", ...flags, bench.image);
    writeFileSync(bench.place("small"), "x");
    assert.match(await bench.refusal("cp", bench.place("small"), "firm:/data"), /container rootfs is marked read-only/);
    await bench.ok("rm", "firm");
  });
}
