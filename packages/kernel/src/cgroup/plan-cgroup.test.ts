import assert from "node:assert/strict";
import { test } from "node:test";
import { type LinuxResources, OrlopError } from "@orlop/core";
import { HYBRID, V1, V2 } from "./cgroup-layout-fixture.ts";
import { type CgroupDriver, type CgroupPlace, parseCgroupsPath } from "./cgroup-path.ts";
import type { CgroupOperation, CgroupPlan } from "./cgroup-plan.ts";
import { type CgroupTexts, parseCgroupLayout } from "./detect-cgroups.ts";
import { type CgroupPlanOptions, planCgroup } from "./plan-cgroup.ts";
import type { CgroupDelegation } from "./probe-delegation.ts";

interface Case extends Partial<CgroupPlanOptions> {
  readonly path?: string;
  readonly driver?: CgroupDriver;
}

function plan(texts: CgroupTexts, resources: LinuxResources, options: Case = {}): CgroupPlan {
  const { path = "/box/web", driver = "cgroupfs", rootless = false, ...rest } = options;
  const location = parseCgroupsPath(path, { driver, containerId: "web", rootless });
  return planCgroup(parseCgroupLayout(texts), location, resources, { rootless, ...rest });
}

/** One line an operation, as a reader would write it down; tolerated errnos after a `?`. */
function show(operation: CgroupOperation): string {
  const place = operation.directory.replace("/sys/fs/cgroup/", "");
  const quiet = operation.tolerate.length === 0 ? "" : ` ?${operation.tolerate.map(({ errno }) => errno).join("|")}`;
  switch (operation.kind) {
    case "mkdir":
      return `mkdir ${place}${quiet}`;
    case "write":
      return `${place}/${operation.file} = ${operation.value}${quiet}`;
    case "inherit":
      return `${place}/${operation.file} <- ${operation.from.replace("/sys/fs/cgroup/", "")}`;
    case "chown":
      return `chown ${operation.uid} ${place}${operation.file === undefined ? "" : `/${operation.file}`}${quiet}`;
    case "attach-device-filter":
      return `${operation.mode} filter ${place}`;
    case "check-memory":
      return `check ${place}`;
  }
}

const LIMITS: LinuxResources = {
  memory: { limit: 536_870_912, swap: 1_073_741_824 },
  cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: "0-1" },
  pids: { limit: 64 },
};

test("version 1: every hierarchy gets the cgroup, cpusets inherit, limits follow", () => {
  const { operations, join, cloneInto, remove } = plan(V1, LIMITS);
  const lines = operations.map(show);
  assert.deepEqual(lines.slice(0, 4), [
    "mkdir pids/box ?EEXIST",
    "mkdir cpu,cpuacct/box ?EEXIST",
    "mkdir memory/box ?EEXIST",
    "mkdir net_cls,net_prio/box ?EEXIST",
  ]);
  assert.deepEqual(lines.slice(7, 12), [
    "mkdir cpuset/box ?EEXIST",
    "cpuset/box/cpuset.cpus <- cpuset",
    "cpuset/box/cpuset.mems <- cpuset",
    "mkdir hugetlb/box ?EEXIST",
    "mkdir systemd/box ?EEXIST",
  ]);
  assert.deepEqual(lines.slice(22), [
    "cpuset/box/web/cpuset.cpus = 0-1",
    "devices/box/web/devices.deny = a",
    "devices/box/web/devices.allow = c *:* m",
    "devices/box/web/devices.allow = b *:* m",
    "devices/box/web/devices.allow = c 1:3 rwm",
    "devices/box/web/devices.allow = c 1:5 rwm",
    "devices/box/web/devices.allow = c 1:7 rwm",
    "devices/box/web/devices.allow = c 1:8 rwm",
    "devices/box/web/devices.allow = c 1:9 rwm",
    "devices/box/web/devices.allow = c 5:0 rwm",
    "devices/box/web/devices.allow = c 5:1 rwm",
    "devices/box/web/devices.allow = c 5:2 rwm",
    "devices/box/web/devices.allow = c 136:* rwm",
    "devices/box/web/devices.allow = c 10:200 rwm",
    "memory/box/web/memory.limit_in_bytes = 536870912",
    "memory/box/web/memory.memsw.limit_in_bytes = 1073741824",
    "cpu,cpuacct/box/web/cpu.shares = 512",
    "cpu,cpuacct/box/web/cpu.cfs_period_us = 100000",
    "cpu,cpuacct/box/web/cpu.cfs_quota_us = 50000",
    "pids/box/web/pids.max = 64",
    "cpuset/box/web/cpuset.cpus <- cpuset/box",
    "cpuset/box/web/cpuset.mems <- cpuset/box",
  ]);
  assert.equal(join.length, 10);
  assert.equal(cloneInto, undefined);
  assert.equal(remove.length, 10);
});

test("version 2: controllers are handed down to the cgroup, the container is cloned into it", () => {
  const { operations, join, cloneInto, remove } = plan(V2, LIMITS);
  const all = "+cpuset +cpu +io +memory +hugetlb +pids +rdma +misc";
  assert.deepEqual(operations.map(show), [
    `/sys/fs/cgroup/cgroup.subtree_control = ${all}`,
    "mkdir box ?EEXIST",
    `box/cgroup.subtree_control = ${all}`,
    "mkdir box/web ?EEXIST",
    "box/web/cpuset.cpus = 0-1",
    "add filter box/web",
    "box/web/memory.swap.max = 536870912",
    "box/web/memory.max = 536870912",
    "box/web/cpu.weight = 59",
    "box/web/cpu.max = 50000 100000",
    "box/web/pids.max = 64",
  ]);
  assert.deepEqual(join, []);
  assert.equal(cloneInto, "/sys/fs/cgroup/box/web");
  assert.deepEqual(remove, ["/sys/fs/cgroup/box/web"]);
});

test("version 2: where all controllers at once fail, those that a limit needs must be handed on, the others may", () => {
  const [first] = plan(V2, { memory: { limit: 1 } }).operations;
  assert(first?.kind === "write" && first.fallback !== undefined);
  const strict = first.fallback.operations.filter(({ tolerate }) => tolerate.length === 0);
  assert.deepEqual(
    strict.map(({ value }) => value),
    ["+memory"],
  );
  assert(first.fallback.when.includes("EBUSY"));
});

test("version 2: a relative path hands controllers down from the mount point to the parent of the own cgroup", () => {
  const lines = plan(V2, {}, { path: "web" }).operations.filter(({ stage }) => stage === "ancestor");
  assert.deepEqual(
    lines.map(({ directory }) => directory),
    ["/sys/fs/cgroup", "/sys/fs/cgroup/user.slice", "/sys/fs/cgroup/user.slice/user-1000.slice"],
  );
});

test("hybrid: a limit goes to where its controller is in force, and only needed ones are handed on", () => {
  const { operations, cloneInto, join } = plan(HYBRID, {
    memory: { limit: 1024 },
    hugepageLimits: [{ pageSize: "2MB", limit: 4_194_304 }],
  });
  const lines = operations.map(show);
  assert(lines.includes("memory/box/web/memory.limit_in_bytes = 1024"));
  assert(lines.includes("unified/box/web/hugetlb.2MB.max = 4194304"));
  assert(lines.includes("unified/box/web/hugetlb.2MB.rsvd.max = 4194304 ?ENOENT"));
  assert(lines.includes("unified/cgroup.subtree_control = +hugetlb"));
  assert.equal(cloneInto, "/sys/fs/cgroup/unified/box/web");
  assert(!join.some(({ directory }) => directory.includes("unified")));
  assert(
    !plan(HYBRID, {})
      .operations.map(show)
      .some((line) => line.includes("subtree_control")),
  );
});

test("operations above the container's cgroup are marked, so that they can be done once", () => {
  const { operations } = plan(V2, LIMITS);
  const stages = operations.map(({ stage }) => stage);
  assert.deepEqual(stages, [...stages].sort());
  assert(operations.every(({ stage, directory }) => (stage === "leaf") === directory.endsWith("/box/web")));
});

test("every operation has a reason, every limit its field", () => {
  for (const operation of [...plan(V1, LIMITS).operations, ...plan(V2, LIMITS).operations]) {
    assert.match(operation.reason, /^[A-Z].*[^.]$/, show(operation));
    if (operation.kind === "write" && operation.file !== "cgroup.subtree_control") {
      assert.match(operation.field ?? "", /^linux\.resources\./, show(operation));
    }
  }
});

test("the systemd driver leaves to systemd what systemd makes", () => {
  const { operations, join, cloneInto } = plan(V1, { pids: { limit: 5 } }, { driver: "systemd", path: "a.slice:p:n" });
  const lines = operations.map(show);
  assert(!lines.some((line) => line.includes(" systemd/")));
  assert(lines.includes("pids/a.slice/p-n.scope/pids.max = 5"));
  assert(!join.some(({ directory }) => directory.includes("/systemd/")));
  assert.equal(cloneInto, undefined);
  const v2 = plan(V2, { pids: { limit: 5 } }, { driver: "systemd", path: "a.slice:p:n" });
  assert(!v2.operations.map(show).includes("mkdir a.slice/p-n.scope ?EEXIST"));
  assert.equal(v2.cloneInto, undefined);
});

test("a user's systemd puts the unit below its own cgroup, and moves processes there that the user could not", () => {
  const managerCgroup = "/user.slice/user-1000.slice/user@1000.service";
  const manager = `/sys/fs/cgroup${managerCgroup}`;
  const asked: string[] = [];
  const probe = ({ base, directories }: CgroupPlace): CgroupDelegation => {
    asked.push([base, ...directories].join(" "));
    return { nearest: manager, canCreate: true, canJoin: false, top: manager, controllers: ["memory", "pids"] };
  };
  const options = { driver: "systemd", path: ":p:n", rootless: true, managerCgroup, probe } as const;
  const { directories, operations } = plan(V2, { pids: { limit: 5 } }, options);
  assert.deepEqual(asked, [manager]);
  assert.deepEqual(
    directories.map(({ path }) => path),
    [`${manager}/user.slice/p-n.scope`],
  );
  assert.deepEqual(operations.map(show).at(-1), `${managerCgroup.slice(1)}/user.slice/p-n.scope/pids.max = 5`);
  assert.throws(() => plan(V2, { cpu: { shares: 5 } }, options), /hands on only memory, pids/);
});

test("a delegated cgroup is given to the container's user, its limits are not", () => {
  const owner = { uid: 100_000, files: ["cgroup.procs", "memory.oom.group"] };
  const lines = plan(V2, { pids: { limit: 5 } }, { owner }).operations.map(show);
  assert.deepEqual(lines.slice(-3), [
    "chown 100000 box/web",
    "chown 100000 box/web/cgroup.procs ?ENOENT",
    "chown 100000 box/web/memory.oom.group ?ENOENT",
  ]);
});

const DELEGATED: CgroupDelegation = {
  nearest: "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice",
  canCreate: true,
  canJoin: true,
  top: "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service",
  controllers: ["memory", "pids"],
};
const USER: CgroupTexts = {
  ...V2,
  ownCgroups: "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n",
};

test("rootless: only what is delegated is touched", () => {
  const { operations, notes } = plan(
    USER,
    { memory: { limit: 4096 }, devices: [{ allow: false, access: "rwm" }] },
    { rootless: true, path: "web", probe: () => DELEGATED },
  );
  const below = "user.slice/user-1000.slice/user@1000.service";
  assert.deepEqual(operations.map(show), [
    `${below}/cgroup.subtree_control = +memory +pids`,
    `${below}/app.slice/cgroup.subtree_control = +memory +pids`,
    `mkdir ${below}/app.slice/web ?EEXIST`,
    `${below}/app.slice/web/memory.max = 4096`,
  ]);
  assert.deepEqual(
    notes.map(({ field }) => field),
    ["linux.resources.devices"],
  );
});

function refusal(texts: CgroupTexts, resources: LinuxResources, options: Case): OrlopError {
  try {
    plan(texts, resources, options);
  } catch (error) {
    assert(error instanceof OrlopError);
    return error;
  }
  assert.fail("was not refused");
}

test("rootless: a limit whose controller is not delegated is denied by name, with the way out", () => {
  const options = { rootless: true, path: "web", probe: () => DELEGATED };
  const error = refusal(USER, { cpu: { shares: 100 } }, options);
  assert.equal(error.code, "denied");
  assert.equal(error.field, "linux.resources.cpu.shares");
  assert.match(error.message, /hands on only memory, pids\nTry /);
});

test("rootless: without delegation there is no cgroup, and no error unless a limit is asked for", () => {
  const options = { rootless: true, path: "web", probe: () => ({ ...DELEGATED, canCreate: false }) };
  const { directories, operations, cloneInto } = plan(USER, {}, options);
  assert.deepEqual([directories, operations, cloneInto], [[], [], undefined]);
  assert.equal(refusal(USER, { pids: { limit: 1 } }, options).code, "denied");
});

test("rootless: a process that may not be moved there is the reason", () => {
  const options = { rootless: true, path: "web", probe: () => ({ ...DELEGATED, canJoin: false }) };
  assert.match(refusal(USER, { pids: { limit: 1 } }, options).message, /may not move a process/);
});

test("cgroups switched off: no cgroup, device rules noted, a limit refused", () => {
  const { operations, notes } = plan(V2, { devices: [{ allow: false, access: "rwm" }] }, { driver: "disabled" });
  assert.deepEqual(operations, []);
  assert.equal(notes.length, 1);
  assert.match(refusal(V2, { pids: { limit: 1 } }, { driver: "disabled" }).message, /switched off/);
});

test("a machine without a hierarchy for devices refuses a device list to a root container", () => {
  const none: CgroupTexts = { mountinfo: "", ownCgroups: "", controllersAt: () => "" };
  const error = refusal(none, { devices: [{ allow: false, access: "rwm" }] }, {});
  assert.equal(error.code, "unsupported");
  assert.equal(error.field, "linux.resources.devices");
  assert.equal(plan(none, {}).notes[0]?.field, "linux.resources.devices");
});

test("a machine without cgroups runs containers without limits only", () => {
  const none: CgroupTexts = { mountinfo: "", ownCgroups: "", controllersAt: () => "" };
  assert.deepEqual(plan(none, {}).operations, []);
  const error = refusal(none, { memory: { limit: 1 } }, {});
  assert.equal(error.code, "unsupported");
  assert.equal(error.field, "linux.resources.memory.limit");
});
