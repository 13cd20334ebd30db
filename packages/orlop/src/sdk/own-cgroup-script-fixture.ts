// Executed by an ordinary user in a cgroup that is somebody else's, as that of a login is: containers with limits.

import { globSync, readFileSync } from "node:fs";
import { Engine, Sandbox } from "../index.ts";

const USER_SLICE = "/sys/fs/cgroup/user.slice";
const own = readFileSync("/proc/self/cgroup", "utf8");

function cgroupOf(id: string): string {
  const [path = ""] = globSync(`${USER_SLICE}/*/*/**/orlop/${id}`);
  return path;
}

function limitsOf(id: string): readonly string[] {
  return ["memory.max", "pids.max"].map((name) => readFileSync(`${cgroupOf(id)}/${name}`, "utf8").trim());
}

const limits = { memory: "64m", pids: 50 } as const;
await using box = await Sandbox.create({ image: "host", ...limits });
// A process that was left outside would see the way to it from the sandbox's cgroup.
const { stdout: inside } = await box.$`cat /proc/self/cgroup`;
const { exitCode, oomKilled } = await box.sh`head -c 200m /dev/zero | tail -c 200m >/dev/null`;
await using second = await Sandbox.create({ image: "host" });

await using engine = await Engine.open();
const { containers } = engine;
const { id } = await containers.create({ image: "host", command: ["sleep", "1000"], name: "stays", ...limits });
await containers.start(id);
const { stdout: entered } = await containers.exec("stays", ["cat", "/proc/self/cgroup"]);
const scopes = globSync(`${USER_SLICE}/*/*/**/orlop-*.scope`).length;

console.log(
  JSON.stringify({
    sandbox: [limitsOf(box.id), inside, exitCode, oomKilled],
    unlimited: limitsOf(second.id),
    container: [limitsOf(id), entered],
    cgroup: cgroupOf(id),
    scopes,
    isMoved: readFileSync("/proc/self/cgroup", "utf8") !== own,
    ids: [box.id, second.id, id],
  }),
);
