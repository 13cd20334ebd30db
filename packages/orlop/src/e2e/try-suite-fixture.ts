import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { type CommandOptions, type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";
import { atTerminal } from "./terminal-fixture.ts";

/** Makes the files that commands change. */
const FILES = `
mkdir -p tree/sub whole file-to-be kept/deep
echo old >changed; echo old >removed; echo old >mode; echo in >tree/sub/file; echo in >whole/before; echo in >file-to-be/x
ln -s changed link; ln -s changed link-to-be; echo here >kept/deep/file; echo old >directory-to-be
`;

/** All kinds of changes. */
const CHANGES = `
set -e
echo more >>changed; rm removed; chmod 4751 mode; mv tree moved; echo new >added; ln added twin; mkfifo fifo
rm -r whole; mkdir whole; echo in >whole/after; rm -r file-to-be; echo file >file-to-be
rm directory-to-be; mkdir -p directory-to-be/in; rm link; ln -s nowhere link; rm link-to-be; echo file >link-to-be
echo deep >kept/deep/new; mkdir -m 700 private; touch -d 2020-02-02T02:02:02.123456789 directory-to-be/in directory-to-be
mkdir -m 0 shut; echo closed >closed; chmod 0 closed`;

const CHANGED = `C .
A ./added
C ./changed
A ./closed
C ./directory-to-be
A ./directory-to-be/in
A ./fifo
C ./file-to-be
C ./kept
C ./kept/deep
A ./kept/deep/new
C ./link
C ./link-to-be
C ./mode
A ./moved
A ./moved/sub
A ./moved/sub/file
A ./private
D ./removed
A ./shut
D ./tree
A ./twin
C ./whole
A ./whole/after
D ./whole/before
`;

/** What files are, but for the number of links of a directory, which not all file systems count. */
const LISTING = `find . \\( -type d -printf '%P %y %m %U:%G %T@\\n' \\) -o -printf '%P %y %m %U:%G %T@ %n %s %l\\n' | sort`;

/** `orlop try`, by whoever calls it. */
export function trySuite(options: SuiteOptions): void {
  const w = new Work(options);
  triedCases(w);
  writtenCases(w);
  keptCases(w);
  conflictCases(w);
  endCases(w);
}

/** The files that commands of the suite change, in a directory of their own. */
class Work {
  readonly c: SuiteContext;

  constructor(options: SuiteOptions) {
    this.c = new SuiteContext(options);
  }

  get directory(): string {
    return this.c.place("work");
  }

  get captures(): string {
    return join(this.c.fixture.store, "captures");
  }

  /** Makes the files anew. */
  renew(): void {
    spawnSync("chmod", ["-R", "u+rwx", this.directory]);
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(this.directory);
    this.sh(FILES);
  }

  attempt(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.c.fixture.orlop(["try", ...args], { cwd: this.directory, ...options });
  }

  capture(...args: readonly string[]): Promise<CommandResult> {
    return this.c.fixture.orlop(["capture", ...args]);
  }

  /** Id of what a script has changed. */
  async keep(script: string): Promise<string> {
    const { exitCode, stderr } = await this.attempt(["--keep", "sh", "-c", script]);
    assert.equal(exitCode, 0, stderr);
    const [, id] = /orlop: the changes are kept: orlop capture diff\|commit\|rm ([0-9a-f]{12})\n$/.exec(stderr) ?? [];
    assert.ok(id, stderr);
    return id;
  }

  async keptIds(): Promise<readonly string[]> {
    return (await this.capture("ls", "-q")).stdout.split("\n").filter((id) => id !== "");
  }

  /** The lines of a listing about the suite's files, with short paths: a shell may have written elsewhere. */
  changesIn(text: string): string {
    const lines = text.split("\n").filter((line) => line.slice(2).startsWith(this.directory));
    return lines.map((line) => `${line.replace(this.directory, ".")}\n`).join("");
  }

  /** Outside. */
  sh(script: string): string {
    const { status, stdout, stderr } = spawnSync("sh", ["-c", script], { cwd: this.directory, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout;
  }
}

function triedCases(w: Work): void {
  describe("a command that is tried", { skip: w.c.skip }, () => {
    before(() => w.renew());

    test("changes nothing, and what it would change is shown", async () => {
      const earlier = w.sh(LISTING);
      const { exitCode, stdout, stderr } = await w.attempt(["sh", "-c", `${CHANGES}; cat changed; exit 3`]);
      assert.equal(stdout, "old\nmore\n");
      assert.equal(w.changesIn(stderr), CHANGED);
      assert.match(stderr, /\norlop: \d+ added, \d+ changed, \d+ deleted\norlop: the changes are discarded\n$/);
      assert.equal(exitCode, 3);
      assert.equal(w.sh(LISTING), earlier);
      assert.deepEqual(readdirSync(w.captures), []);
    });

    test("runs as the caller, in the same place, with the same network and variables", async () => {
      const script = 'id -u; id -g; pwd; umask; echo "$MARK"; sed "s/:.*//" /proc/net/dev';
      const env = { MARK: "two words" };
      const here = spawnSync("sh", ["-c", script], {
        cwd: w.directory,
        env: { ...process.env, ...env },
        encoding: "utf8",
      });
      const there = await w.attempt(["--", "sh", "-c", script], { env });
      assert.deepEqual([there.stdout, there.exitCode], [here.stdout, 0]);
      assert.match(there.stderr, /^orlop: nothing was written\n$/);
      const alone = await w.attempt(["--network", "none", "-e", "MARK=else", "sh", "-c", `${script} | grep -v lo`]);
      assert.doesNotMatch(alone.stdout, /eth|en[ops]|wl/);
      assert.match(alone.stdout, /^else$/m);
    });
  });
}

function writtenCases(w: Work): void {
  describe("what a tried command has changed", { skip: w.c.skip }, () => {
    before(() => w.renew());

    test("is written with --commit, as it was captured", async () => {
      const { exitCode, stdout, stderr } = await w.attempt(["--commit", "sh", "-c", `${CHANGES}; ${LISTING}`]);
      assert.equal(exitCode, 0, stderr);
      assert.equal(w.sh(LISTING), stdout);
      assert.match(stderr, /orlop: the changes are committed\n$/);
      assert.equal(w.sh("cat changed kept/deep/new kept/deep/file whole/after"), "old\nmore\ndeep\nhere\nin\n");
      assert.deepEqual(readdirSync(w.captures), []);
    });

    test("is written with its extended attributes", {
      skip: hasSetfattr() ? false : "needs setfattr (attr)",
    }, async () => {
      w.sh("setfattr -n user.old -v 1 kept; setfattr -n user.old -v 1 changed");
      const script = "setfattr -x user.old kept; for each in kept changed; do setfattr -n user.new -v 2 $each; done";
      assert.equal((await w.attempt(["--commit", "sh", "-c", script])).exitCode, 0);
      const [directory, file] = ["kept", "changed"].map((name) => w.sh(`getfattr -d ${name}`));
      assert.equal(directory, '# file: kept\nuser.new="2"\n\n');
      assert.equal(file, '# file: changed\nuser.new="2"\nuser.old="1"\n\n');
    });

    test("is told in a file, also as JSON", async () => {
      const file = w.c.place("changes.json");
      const { stderr } = await w.attempt(["--format", "json", "-o", file, "touch", "x"]);
      assert.match(stderr, /^orlop: 1 added, \d+ changed, 0 deleted\n/);
      assert.deepEqual(JSON.parse(readFileSync(file, "utf8")).added, [join(w.directory, "x")]);
    });
  });
}

function keptCases(w: Work): void {
  describe("changes that are kept", { skip: w.c.skip }, () => {
    before(() => w.renew());
    test("are those of a command that fails although they were to be committed, until they are removed", async () => {
      const { exitCode, stderr } = await w.attempt(["--commit", "sh", "-c", "rm changed; exit 4"]);
      assert.equal(exitCode, 4);
      assert.match(stderr, /orlop: nothing is committed: the command has ended with 4\norlop: the changes are kept: /);
      assert.equal(w.sh("cat changed"), "old\n");
      const [id = ""] = await w.keptIds();
      const { stdout } = await w.capture("diff", id.slice(0, 4));
      assert.equal(w.changesIn(stdout), "C .\nD ./changed\n");
      const table = (await w.capture("ls")).stdout;
      assert.match(table, new RegExp(`^CAPTURE ID +COMMAND +CREATED\\n${id} +"sh -c rm changed; exit 4" +.* ago\\n$`));
      assert.equal((await w.capture("rm", id)).stdout, `${id}\n`);
      assert.deepEqual(await w.keptIds(), []);
    });

    test("are found by ids that are there, and unmistakable", async () => {
      const { exitCode, stderr } = await w.capture("rm", "zz");
      assert.deepEqual([exitCode, stderr], [1, 'orlop: Cannot find capture "zz": there is none of this id\n']);
    });
  });
}

function conflictCases(w: Work): void {
  describe("changes of files that others have changed, too,", { skip: w.c.skip }, () => {
    before(() => w.renew());

    test("are not written over what has changed meanwhile, unless that is asked for", async () => {
      const script = "echo more >>changed; rm -r tree; echo mine >new; echo 1 >kept/deep/one; echo mine >mode";
      const id = await w.keep(script);
      w.sh("echo theirs >>changed; echo theirs >tree/theirs; echo theirs >new; rm -r kept; echo theirs >beside");
      const refused = await w.capture("commit", id);
      assert.equal(refused.exitCode, 1);
      const named = refused.stderr.replaceAll(w.directory, ".");
      const conflicts = [
        "./changed has changed",
        "./kept is gone",
        "./kept/deep is gone",
        "./new has changed",
        "./tree has changed",
      ];
      assert.equal(
        named,
        `orlop: Cannot commit the changes:\n${conflicts.map((each) => `  ${each} meanwhile\n`).join("")}`,
      );
      assert.equal(w.sh("cat changed tree/theirs new mode"), "old\ntheirs\ntheirs\ntheirs\nold\n");
      assert.equal((await w.capture("commit", "-f", id)).exitCode, 0);
      assert.equal(w.sh("cat changed new mode kept/deep/one beside; ls"), FORCED);
      assert.deepEqual(await w.keptIds(), []);
    });

    test("are never written to where a link leads that was put in the way", async () => {
      w.renew();
      const id = await w.keep("echo mine >kept/deep/file");
      const elsewhere = w.c.place("elsewhere");
      mkdirSync(join(elsewhere, "deep"), { recursive: true });
      writeFileSync(join(elsewhere, "deep/file"), "theirs");
      renameSync(join(w.directory, "kept"), join(w.directory, "aside"));
      symlinkSync(elsewhere, join(w.directory, "kept"));
      const refused = await w.capture("commit", id);
      assert.match(refused.stderr, /Cannot commit the changes:\n.*kept has changed meanwhile\n/);
      assert.equal((await w.capture("commit", "-f", id)).exitCode, 0);
      assert.equal(readFileSync(join(elsewhere, "deep/file"), "utf8"), "theirs");
      assert.equal(w.sh("test -L kept || cat kept/deep/file"), "mine\n");
    });
  });
}

function endCases(w: Work): void {
  describe("a try", { skip: w.c.skip }, () => {
    before(() => w.renew());

    test("that is killed leaves nothing that the next does not remove", async () => {
      let live: readonly string[] = [];
      const killed = await w.attempt(["sh", "-c", "echo x >added; echo ready; exec sleep 1000"], {
        onOutput: (text, child) => {
          if (!text.includes("ready") || live.length > 0) return;
          live = readdirSync(w.captures);
          child.kill("SIGKILL");
        },
      });
      assert.equal(killed.signal, "SIGKILL");
      assert.equal(live.length, 1);
      await w.attempt(["true"]);
      assert.deepEqual(await findLeftovers(live, w.c.stateDirectory), []);
      assert.deepEqual(readdirSync(w.captures), []);
    });

    const python = spawnSync("python3", ["-c", "import pty"]).status === 0;
    test("asks at a terminal what is to become of the changes", {
      skip: python ? false : "needs python3",
    }, async () => {
      const command = (script: string): readonly string[] => [LAUNCHER, "try", "-w", w.directory, "sh", "-c", script];
      const no = await atTerminal(w.c.fixture, command("test -t 0 && test -t 1 && echo no >changed"), [
        ["wait", "Commit these changes? [y/N] "],
        ["send", "\r"],
        ["wait", "the changes are discarded"],
      ]);
      assert.deepEqual([no.status, w.sh("cat changed")], [0, "old\n"]);
      const yes = await atTerminal(w.c.fixture, command("read line; echo $line >changed; exit 5"), [
        ["send", "typed\r"],
        ["wait", "Commit these changes? [y/N] "],
        ["send", "y\r"],
        ["wait", "the changes are committed"],
      ]);
      assert.deepEqual([yes.status, w.sh("cat changed")], [5, "typed\n"]);
    });
  });
}

const FORCED = `old
more
mine
mine
1
theirs
beside
changed
directory-to-be
file-to-be
kept
link
link-to-be
mode
new
removed
whole
`;

function hasSetfattr(): boolean {
  return spawnSync("setfattr", ["--version"]).status === 0;
}
