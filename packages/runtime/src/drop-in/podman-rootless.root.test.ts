import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ClientHost } from "@orlop/testkit";
import { clientObstacle, orlopOciCommand } from "./command-fixture.ts";
import type { Engine } from "./engine-bench-fixture.ts";
import { engineSuite } from "./engine-suite-fixture.ts";
import { writeImageArchive } from "./image-archive-fixture.ts";
import { PODMAN, PODMAN_PROGRAMS, writePodmanConfiguration } from "./podman-configuration-fixture.ts";

const UID = 12_345;

/** Makes a person with subordinate ids, whom only the namespaces know. */
const MAKE_PERSON = `
set -e
cd "$1"
mkdir etc
(cat /etc/passwd; echo "person:x:${UID}:${UID}::$1/home:/bin/sh") >etc/passwd
(cat /etc/group; echo "person:x:${UID}:") >etc/group
echo "person:200000:65536" >etc/subuid
cp etc/subuid etc/subgid
for name in passwd group subuid subgid; do mount --bind etc/$name /etc/$name; done
mkdir -p /run/user/${UID}
chown ${UID}:${UID} home /run/user/${UID}
chmod 700 /run/user/${UID}
`;

async function startPodman(): Promise<Engine> {
  const host = await ClientHost.start("rootless", { runtime: orlopOciCommand() });
  const home = join(host.directory, "home");
  mkdirSync(home);
  await host.succeeds(["sh", "-c", MAKE_PERSON, "sh", host.directory]);
  const user = ["setpriv", `--reuid=${UID}`, `--regid=${UID}`, "--clear-groups", "--inh-caps=-all", "--"];
  const env = [
    ...["env", "--ignore-environment", `--chdir=${home}`, `HOME=${home}`, `XDG_RUNTIME_DIR=/run/user/${UID}`],
    ...["PATH=/usr/sbin:/usr/bin:/sbin:/bin", `CONTAINERS_CONF=${writePodmanConfiguration(host.directory)}`],
  ];
  const command = (...args: readonly string[]) => [...user, ...env, ...PODMAN, ...args];
  await host.succeeds(command("load", "--input", writeImageArchive(host.directory)));
  return {
    host,
    command,
    runOptions: [],
    init: "podman-init",
    hasCgroups: false,
    execNotFound: 127,
    roots: [`/run/user/${UID}/orlop-oci`],
    // What holds the namespaces of this user.
    staying: ["catatonit -P"],
  };
}

engineSuite("podman of an ordinary user", clientObstacle({ ...PODMAN_PROGRAMS, newuidmap: "uidmap" }), startPodman, [
  {
    title: "maps the user to root, or to themselves",
    async run(bench) {
      const maps = async (...options: readonly string[]): Promise<readonly string[]> => {
        const lines = (await bench.prints(options, "id -u; cat /proc/self/uid_map")).split("\n");
        return lines.map((line) => line.trim().replaceAll(/ +/g, " "));
      };
      assert.deepEqual(await maps(), ["0", `0 ${UID} 1`, "1 200000 65536"]);
      const [uid, ...kept] = await maps("--userns=keep-id");
      assert.equal(uid, String(UID));
      assert.ok(kept.includes(`${UID} 0 1`), kept.join("\n"));
    },
  },
]);
