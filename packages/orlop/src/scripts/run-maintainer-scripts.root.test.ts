import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CommandFixture } from "../e2e/command-fixture.ts";
import { findLeftovers } from "../e2e/leftovers-fixture.ts";
import { archiveObstacle, LocalArchive, type LocalPackage } from "./local-archive-fixture.ts";

const NOTE = 'note() { echo "$DPKG_MAINTSCRIPT_PACKAGE $DPKG_MAINTSCRIPT_NAME $1" >> /log; }';
const noted = (more = ""): string => `${NOTE}; note "$1"; ${more}`;

const PACKAGES: readonly LocalPackage[] = [
  // By their names they would come in another order.
  { name: "b-first", preinst: noted(), postinst: noted() },
  { name: "a-second", fields: { "Pre-Depends": "b-first" }, preinst: noted(), postinst: noted() },
  {
    name: "facts",
    fields: { Depends: "a-second" },
    postinst: noted(
      [
        "policy=0; /usr/sbin/policy-rc.d || policy=$?",
        'cat /proc/net/dev | { count=0; while read -r line; do count=$((count + 1)); done; echo "lines $count" > /facts; }',
        'echo "policy $policy front $DEBIAN_FRONTEND epoch $SOURCE_DATE_EPOCH" >> /facts',
        "read host < /proc/sys/kernel/hostname; echo host $host >> /facts",
        "echo 1234 > /etc/machine-id",
      ].join("; "),
    ),
  },
  { name: "broken", postinst: "echo nothing works; exit 3" },
  { name: "broken-early", preinst: "echo nothing works early; exit 3" },
];

const skip = process.getuid?.() === 0 ? (archiveObstacle() ?? false) : "needs root";

describe("maintainer scripts", { skip }, () => {
  let fixture: CommandFixture;
  let archive: LocalArchive;

  before(() => {
    fixture = new CommandFixture();
    archive = new LocalArchive(`${fixture.directory}/archive`, PACKAGES);
  });
  after(() => fixture?.[Symbol.dispose]());

  async function output(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  }

  test("run in a container, in the order that packages need each other, and leave all of them installed", async () => {
    const image = archive.image("facts");
    await output("pull", "--quiet", image);
    const log = await output("run", image, "cat", "/log");
    assert.deepEqual(log.split("\n"), [
      "b-first preinst install",
      "b-first postinst configure",
      "a-second preinst install",
      "a-second postinst configure",
      "facts postinst configure",
    ]);
    const facts = await output("run", image, "cat", "/facts");
    // Two lines of titles, and the loopback interface.
    assert.match(facts, /^lines 3\npolicy 101 front noninteractive epoch \d+\nhost localhost$/);
    const shown = await output("run", image, "dpkg-query", "--show", "-f", "$" + "{Package} $" + "{Status}\\n");
    const installed = ["a-second", "b-first", "facts", "tools"].map((name) => `${name} install ok installed`);
    assert.deepEqual(shown.split("\n"), installed);
    const left = "for each in /usr/sbin/policy-rc.d /var/log/dpkg.log /var/lib/dpkg/tmp.ci; do test ! -e $each; done";
    await output("run", image, "sh", "-ec", `${left}; test ! -s /etc/machine-id`);
  });

  test("make the same image each time", async () => {
    const image = archive.image("facts");
    const digests = [];
    for (const name of ["one", "two"]) {
      const env = { ORLOP_ROOT: `${fixture.directory}/${name}` };
      const { exitCode, stderr } = await fixture.orlop(["pull", image], { env });
      assert.equal(exitCode, 0, stderr);
      digests.push(/sha256:\w{64}/.exec(stderr)?.[0]);
    }
    assert.match(String(digests[0]), /^sha256:/);
    assert.equal(digests[0], digests[1]);
  });

  for (const [name, said] of [
    ["broken", "nothing works"],
    ["broken-early", "nothing works early"],
  ] as const) {
    test(`end with what they have said when one fails (${name})`, async () => {
      const { exitCode, stderr } = await fixture.orlop(["pull", "--quiet", archive.image(name)]);
      assert.notEqual(exitCode, 0);
      assert.match(stderr, /Cannot run maintainer scripts of "debian:test\?[^"]*": exit code \d+\n/);
      assert.ok(stderr.split("\n").includes(said), stderr);
      assert.deepEqual(await output("images", "--quiet", archive.image(name)), "");
    });
  }

  test("are not run where the image has no dpkg", async () => {
    const image = archive.image().replace("packages=tools", "packages=b-first");
    const { exitCode, stderr } = await fixture.orlop(["pull", "--quiet", image]);
    assert.notEqual(exitCode, 0);
    assert.match(
      stderr,
      /Cannot run maintainer scripts: the image has no dpkg, which they need\nTry variant=essential/,
    );
  });

  test("leave nothing behind", async () => {
    assert.deepEqual(await findLeftovers(fixture.containerIds(), "/run/orlop"), []);
    assert.deepEqual(fixture.leftOver(), []);
  });
});
