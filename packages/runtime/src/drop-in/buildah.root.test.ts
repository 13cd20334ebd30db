import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { ClientHost } from "@orlop/testkit";
import { clientObstacle, orlopOciCommand } from "./command-fixture.ts";
import { documentedBlock } from "./documented-block-fixture.ts";
import { writeImageArchive } from "./image-archive-fixture.ts";

const obstacle = clientObstacle({
  buildah: "buildah",
  "/etc/containers/policy.json": "golang-github-containers-common",
});
const skip = obstacle ?? false;
let host: ClientHost;
/** The working container that everything runs in. */
let container: string;

/** `buildah run`, as the document has it, with more options. */
function run(options: readonly string[], ...program: readonly string[]): readonly string[] {
  const [line = ""] = documentedBlock("buildah", "sh").split(" CONTAINER ");
  return [...line.split(" "), ...options, container, "--", ...program];
}

/**
 * Without what the runtime has to say: this buildah asks for ambient capabilities that nobody can have, and gives the
 * runtime no log, so that its warnings stand before the program's words.
 */
function withoutWarnings(text: string): readonly string[] {
  return text.split("\n").filter((line) => !line.startsWith("warning: can't raise ambient capability "));
}

suite("buildah", () => {
  before(async () => {
    if (obstacle !== undefined) return;
    host = await ClientHost.start("buildah", { runtime: orlopOciCommand() });
    const options = ["--quiet", "--cgroup-parent", `/${host.mark}`];
    const image = `docker-archive:${writeImageArchive(host.directory)}`;
    container = (await host.succeeds(["buildah", "from", ...options, image])).trim();
  });
  after(async () => {
    await host?.[Symbol.asyncDispose]();
  });

  test("runs programs in a working container, which keeps what they write", { skip }, async () => {
    const first = await host.call(run([], "sh", "-c", "echo written >/file; echo out; echo err >&2; exit 7"));
    assert.deepEqual([first.exitCode, first.stdout], [7, "out\n"]);
    assert.equal(withoutWarnings(first.stderr)[0], "err");
    assert.equal(await host.succeeds(run(["--user", "somebody"], "sh", "-c", "cat /file; id -u")), "written\n1000\n");
  });

  test("says that a program is missing", { skip }, async () => {
    const { exitCode, stderr } = await host.call(run([], "/missing"));
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /Cannot execute "\/missing".*not found/);
  });

  test("gives a terminal", { skip }, async () => {
    const { exitCode, stdout } = await host.callInTerminal(run(["--terminal"], "sh", "-c", "tty; exit 4"));
    assert.deepEqual([exitCode, withoutWarnings(stdout)[0]], [4, "/dev/pts/0"]);
  });

  test("builds an image by a file, and by the runtime of the environment", { skip }, async () => {
    const lines = ["FROM scratch", "COPY rootfs /", "RUN id -u >/made", "RUN test $(cat /made) = 0", ""];
    const file = join(host.directory, "Containerfile");
    writeFileSync(file, lines.join("\n"));
    const runtime = documentedBlock("buildah", "sh").split(" ")[3];
    const options = ["--quiet", "--isolation=oci", `--cgroup-parent=/${host.mark}`, "--network=none"];
    const build = ["buildah", "build", ...options, "--file", file, host.directory];
    await host.succeeds(["env", `BUILDAH_RUNTIME=${runtime}`, ...build]);
  });

  test("leaves nothing behind", { skip }, async () => {
    await host.succeeds(["buildah", "rm", "--all"]);
    await host.untilClean(["/run/orlop-oci"]);
  });
});
