import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { before, describe, test } from "node:test";
import { busyboxObstacle, LayoutWriter, makeBusyboxRootfs, makeTar, patience } from "@orlop/testkit";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

const LAYER = makeTar([
  { path: "data/old", content: "old" },
  { path: "data/kept", content: "kept" },
  { path: "other/kept", content: "kept" },
  { path: "mode", content: "same" },
]);

const IMAGE = "localhost/base:1";

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

/** What the cases have to do with containers and images. */
class CommitBench {
  readonly name: string = `box-${process.pid}`;
  readonly #context: SuiteContext;

  constructor(context: SuiteContext) {
    this.#context = context;
  }

  place(name: string): string {
    return this.#context.place(name);
  }

  lastId(): string {
    return this.#context.fixture.containerIds().at(-1) ?? "";
  }

  async output(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#context.fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  }

  async refusal(...args: readonly string[]): Promise<string> {
    const { exitCode, stderr } = await this.#context.fixture.orlop(args);
    assert.equal(exitCode, 1);
    return stderr;
  }

  inspect(format: string, image: string): Promise<string> {
    return this.output("inspect", "-f", format, image);
  }

  async makeImage(): Promise<void> {
    const rootfs = this.place("rootfs");
    makeBusyboxRootfs(rootfs);
    const layout = new LayoutWriter(this.place("layout"));
    const base = execFileSync("tar", ["-C", rootfs, "-cf", "-", "."], { maxBuffer: 1 << 26 });
    const config = { Cmd: ["/bin/false"], Env: ["A=1", "PATH=/bin"], Labels: { of: "base" } };
    layout.publish([layout.manifest({ layers: [{ tar: base }, { tar: LAYER }], config })]);
    await this.output("tag", await this.output("pull", "-q", `oci:${layout.directory}`), IMAGE);
  }

  /** Does something beside a container that has written. */
  async beside<T>(flags: readonly string[], image: string, work: () => Promise<T>): Promise<T> {
    const volume = this.place("volume");
    mkdirSync(volume);
    execFileSync("mkfifo", [`${volume}/fifo`]);
    const fd = openSync(`${volume}/fifo`, constants.O_RDWR);
    const done = Promise.withResolvers<T>();
    done.promise.catch(() => {});
    const onOutput = (text: string): void => {
      if (text !== "written\n") return;
      work()
        .then(done.resolve, done.reject)
        .finally(() => writeSync(fd, "end\n"));
    };
    try {
      const args = ["--name", this.name, "-v", `${volume}:/volume`, ...flags, image, "sh", "-c", SCRIPT];
      const { exitCode, stderr } = await this.#context.run(args, { onOutput });
      assert.equal(exitCode, 0, stderr);
      return await done.promise;
    } finally {
      closeSync(fd);
      rmSync(volume, { recursive: true });
    }
  }
}

/** Images of containers that run, through the command. */
export function commitSuite(options: SuiteOptions): void {
  const skip = options.skip || busyboxObstacle() || false;
  const context = new SuiteContext({ ...options, skip });

  describe("a container that runs", { skip }, () => {
    const bench = new CommitBench(context);
    before(async () => {
      if (!skip) await bench.makeImage();
    });
    testList(bench);
    testImage(bench);
    testSameLayer(bench);
    testElsewhere(bench);
    testArchives(bench);
    testFailures(bench);
    testOtherRoots(bench);
    context.testLeftovers();
  });
}

function testList(bench: CommitBench): void {
  test("tells what it has written, and nothing of what is mounted in it", async () => {
    const [text, json] = await bench.beside([], IMAGE, async () => [
      await bench.output("diff", bench.name),
      await bench.output("diff", "--format", "json", bench.name),
    ]);
    assert.deepEqual(
      text?.split("\n"),
      CHANGES.map((change) => change.join(" ")),
    );
    const paths = (letter: string): readonly string[] =>
      CHANGES.filter(([kind]) => kind === letter).map(([, path]) => path);
    assert.deepEqual(JSON.parse(json ?? ""), { added: paths("A"), changed: paths("C"), deleted: paths("D") });
  });
}

function testImage(bench: CommitBench): void {
  test("becomes an image that has what it has written, starts as it did, and tells how it was made", async () => {
    const flags = ["-e", "B=2", "-w", "/data"];
    const ids = await bench.beside(flags, IMAGE, async () => [
      await bench.output(
        "commit",
        "-m",
        "why",
        "-a",
        "who",
        "-c",
        'CMD ["sh"]',
        "-c",
        "LABEL by=$B",
        bench.name,
        "localhost/made:1",
      ),
      await bench.output("commit", "-p=false", bench.lastId().slice(0, 12)),
    ]);
    assert.deepEqual(ids, [await bench.output("images", "-q", "--no-trunc", "localhost/made:1"), ids[1]]);
    const script = "find . | sort; cat g /other/kept; stat -c %a /mode; ls -d /gone /volume/f 2>&1; echo $A $B; pwd";
    assert.deepEqual((await bench.output("run", "--rm", "localhost/made:1", "sh", "-c", script)).split("\n"), [
      ...[".", "./g", "./new", "./new/f", "./new/l", "./pipe"],
      ...["text", "changed", "600"],
      ...["ls: /gone: No such file or directory", "ls: /volume/f: No such file or directory"],
      ...["1 2", "/data"],
    ]);
    assert.equal(
      await bench.inspect("{{.Author}} {{.Comment}} {{json .Config.Cmd}} {{json .Config.Labels}}", "localhost/made:1"),
      'who why ["sh"] {"by":"2","of":"base"}',
    );
    assert.match(await bench.inspect("{{json .Config.Cmd}}", ids[1] ?? ""), /^\["sh","-c","echo changed/);
    assert.match(await bench.output("history", "localhost/made:1"), /sh -c echo changed.* why\n<missing>/);
  });
}

function testSameLayer(bench: CommitBench): void {
  test("makes the same layer of the same files, which is saved and loaded as any other", async () => {
    const layer = "{{index .RootFS.Layers 2}}";
    const names = ["localhost/same:1", "localhost/same:2"];
    await bench.beside([], IMAGE, async () => {
      for (const name of names) await bench.output("commit", bench.name, name);
    });
    const layers = await Promise.all(names.map((name) => bench.inspect(layer, name)));
    assert.equal(layers[0], layers[1]);
    const top = await bench.output("run", "--rm", "localhost/same:1", "stat", "-c", "%Y", "/data/new");
    assert.equal(top, "1700000000");
    const archive = bench.place("saved.tar");
    await bench.output("save", "-o", archive, "localhost/same:1");
    await bench.output("rmi", "localhost/same:1");
    await bench.output("load", "-q", "-i", archive);
    assert.equal(await bench.inspect(layer, "localhost/same:1"), layers[0]);
    rmSync(archive);
  });
}

/** What is missing for a program of another engine to be used here, by its user. */
function engineObstacle(...programs: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = programs.find((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0);
  return missing === undefined ? false : `not installed: ${missing}`;
}

/** Hides what the engine has on this machine; whatever it starts ends with the script. */
const APART = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "sh", "-ec"];
const HIDDEN = "for directory in /run /var/lib /var/cache; do mount -t tmpfs -o mode=755 tmpfs $directory; done";

/** Takes an archive in, and prints a file of the image and what its containers start with. */
const PODMAN = `${HIDDEN}
podman="podman --storage-driver vfs --cgroup-manager cgroupfs --events-backend file"
$podman load --quiet --input "$1" >&2
$podman cp "$($podman create --network none localhost/made:1)":/data/new/f - | tar -xO
$podman inspect --format '{{.Config.Cmd}}' localhost/made:1`;
const DOCKER = `${HIDDEN}
dockerd --bridge none --iptables=false --ip6tables=false --storage-driver vfs >/run/log 2>&1 &
until docker version >/dev/null 2>&1; do kill -0 $! || { cat /run/log >&2; exit 1; }; sleep 0.1; done
docker load --quiet --input "$1" >&2
docker cp "$(docker create localhost/made:1)":/data/new/f - | tar -xO
docker inspect --format '{{.Config.Cmd}}' localhost/made:1`;

function testElsewhere(bench: CommitBench): void {
  const engines = [
    ["podman", PODMAN, engineObstacle("podman", "unshare")],
    ["docker", DOCKER, engineObstacle("dockerd", "docker", "containerd", "unshare")],
  ] as const;
  for (const [engine, script, skip] of engines) {
    test(`becomes an image that ${engine} takes in from an archive of each form that it knows`, { skip }, async () => {
      await bench.beside([], IMAGE, () => bench.output("commit", "-c", 'CMD ["made"]', bench.name, "localhost/made:1"));
      const formats = engine === "docker" ? ["docker-archive"] : ["docker-archive", "oci-archive"];
      for (const format of formats) {
        const archive = bench.place(`${engine}-${format}`);
        await bench.output("save", "--format", format, "-o", archive, "localhost/made:1");
        const [program = "", ...args] = [...APART, script, "sh", archive];
        const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: patience(120_000) });
        assert.deepEqual([status, stdout], [0, "text\n[made]\n"], stderr);
      }
    });
  }
}

function testArchives(bench: CommitBench): void {
  test("is no different from one of an image that was imported", async () => {
    const archive = bench.place("imported.tar");
    execFileSync("tar", ["-C", bench.place("rootfs"), "-cf", archive, "."]);
    const changes = ["-c", "ENV A=1", "-c", 'CMD ["sh", "-c", "echo $A"]', "-m", "by hand"];
    const id = await bench.output("import", ...changes, archive, "localhost/imported:1");
    assert.equal(await bench.output("images", "-q", "--no-trunc", "localhost/imported:1"), id);
    assert.equal(await bench.output("run", "--rm", "localhost/imported:1"), "1");
    assert.match(await bench.output("history", "localhost/imported:1"), / by hand$/);
    const written = await bench.beside([], "localhost/imported:1", async () => await bench.output("diff", bench.name));
    assert.match(written, /^A \/data$/m);
    rmSync(archive);
  });

  test("comes of no image that a policy keeps away", async () => {
    const [archive, policy] = [bench.place("kept-away.tar"), bench.place("policy.json")];
    await bench.output("save", "-o", archive, IMAGE);
    const accept = [{ type: "insecureAcceptAnything" }];
    writeFileSync(
      policy,
      JSON.stringify({ default: accept, transports: { "oci-archive": { "": [{ type: "reject" }] } } }),
    );
    const refusal = /the policy ".*policy.json" rejects images from there/;
    assert.match(await bench.refusal("load", "-q", "--signature-policy", policy, "-i", archive), refusal);
    const transports = { "oci-archive": { "": [{ type: "reject" }], [bench.place("")]: accept } };
    writeFileSync(policy, JSON.stringify({ default: [{ type: "reject" }], transports }));
    await bench.output("load", "-q", "--signature-policy", policy, "-i", archive);
    assert.match(await bench.refusal("import", "--signature-policy", policy, archive), refusal);
    rmSync(archive);
  });
}

function testFailures(bench: CommitBench): void {
  test("goes on after it has been made an image, also where that fails", async () => {
    await bench.beside([], IMAGE, async () => {
      assert.match(await bench.refusal("commit", bench.name, "Upper"), /repository names are in lower case/);
      assert.match(
        await bench.refusal("commit", "-c", "RUN true", bench.name),
        /Cannot use change "RUN true": there are CMD, /,
      );
      assert.match(await bench.refusal("commit", "nobody"), /No such container: nobody/);
    });
  });
}

function testOtherRoots(bench: CommitBench): void {
  test("of no image is not made one, and the reason is told", async () => {
    await bench.beside([], `dir:${bench.place("rootfs")}`, async () => {
      for (const verb of ["commit", "diff"]) {
        assert.match(
          await bench.refusal(verb, bench.name),
          /Cannot (commit|compare) container .*: its files are those of a directory/,
        );
      }
    });
  });
}
