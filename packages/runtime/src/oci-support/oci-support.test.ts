import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { OCI_SUPPORT, type SupportRow } from "./oci-support.ts";
import { supportDocument } from "./support-document.ts";

const DOCUMENT = join(import.meta.dirname, "../../../../docs/oci-support.md");

const hookFields = "path args env timeout".split(" ");
const idMapping = "containerID hostID size".split(" ");

/** Every field of config.json that the runtime-spec 1.3 defines for Linux, `parent: leaves`. */
const FIELDS = `
: ociVersion hostname domainname annotations
root: path readonly
hooks.prestart[]: ${hookFields.join(" ")}
hooks.createRuntime[]: ${hookFields.join(" ")}
hooks.createContainer[]: ${hookFields.join(" ")}
hooks.startContainer[]: ${hookFields.join(" ")}
hooks.poststart[]: ${hookFields.join(" ")}
hooks.poststop[]: ${hookFields.join(" ")}
mounts[]: source destination options type
mounts[].uidMappings[]: ${idMapping.join(" ")}
mounts[].gidMappings[]: ${idMapping.join(" ")}
process: args commandLine cwd env terminal apparmorProfile oomScoreAdj selinuxLabel noNewPrivileges
process.consoleSize: height width
process.user: uid gid umask additionalGids username
process.capabilities: bounding permitted effective inheritable ambient
process.ioPriority: class priority
process.scheduler: policy nice priority flags runtime deadline period
process.rlimits[]: type soft hard
process.execCPUAffinity: initial final
linux: cgroupsPath rootfsPropagation sysctl maskedPaths readonlyPaths mountLabel
linux.devices[]: type path fileMode major minor uid gid
linux.netDevices.*: name
linux.uidMappings[]: ${idMapping.join(" ")}
linux.gidMappings[]: ${idMapping.join(" ")}
linux.namespaces[]: type path
linux.seccomp: defaultAction defaultErrnoRet flags listenerPath listenerMetadata architectures
linux.seccomp.syscalls[]: names action errnoRet
linux.seccomp.syscalls[].args[]: index value valueTwo op
linux.intelRdt: closID schemata l3CacheSchema memBwSchema enableMonitoring
linux.memoryPolicy: mode nodes flags
linux.personality: domain flags
linux.timeOffsets.boottime: secs nanosecs
linux.timeOffsets.monotonic: secs nanosecs
linux.resources: unified
linux.resources.devices[]: allow type major minor access
linux.resources.pids: limit
linux.resources.blockIO: weight leafWeight weightDevice
linux.resources.blockIO: throttleReadBpsDevice throttleWriteBpsDevice throttleReadIOPSDevice throttleWriteIOPSDevice
linux.resources.cpu: cpus mems period quota burst realtimePeriod realtimeRuntime shares idle
linux.resources.hugepageLimits[]: pageSize limit
linux.resources.memory: kernel kernelTCP limit reservation swap swappiness
linux.resources.memory: disableOOMKiller useHierarchy checkBeforeUpdate
linux.resources.network: classID
linux.resources.network.priorities[]: name priority
linux.resources.rdma.*: hcaHandles hcaObjects
`
  .trim()
  .split("\n")
  .flatMap((line) => {
    const [parent = "", leaves = ""] = line.split(": ", 2).map((part) => part.replace(/^: /, ""));
    return leaves.split(" ").map((leaf) => (parent === "" || parent === ":" ? leaf : `${parent}.${leaf}`));
  });

const ROWS: readonly SupportRow[] = Object.values(OCI_SUPPORT).flat();

/** The row that speaks for a field: the longest that is the field or stands above it. */
function rowOf(field: string): SupportRow | undefined {
  return ROWS.filter((row) => field === row.field || /^[.[]/.test(field.slice(row.field.length)))
    .filter((row) => field.startsWith(row.field))
    .toSorted((a, b) => b.field.length - a.field.length)[0];
}

suite("the table of supported fields", () => {
  test("has a row for every field of the specification", () => {
    assert.deepEqual(
      FIELDS.filter((field) => rowOf(field) === undefined),
      [],
    );
  });

  test("has no row for what the specification does not know, and none twice", () => {
    const used = new Set(FIELDS.map(rowOf));
    assert.deepEqual(
      ROWS.filter((row) => !used.has(row)).map(({ field }) => field),
      [],
    );
    assert.equal(new Set(ROWS.map(({ field }) => field)).size, ROWS.length);
  });

  test("says why wherever a field is not done in full", () => {
    const silent = ROWS.filter(({ support, note = "" }) => support !== "full" && note === "");
    assert.deepEqual(silent, []);
    for (const { note = "ok" } of ROWS) assert.doesNotMatch(note, /[.\n]$/, note);
  });

  test("is what the document says", () => {
    if (process.env.ORLOP_GOLDEN === "write") writeFileSync(DOCUMENT, supportDocument());
    const text = readFileSync(DOCUMENT, "utf8");
    assert.equal(text, supportDocument(), "docs/oci-support.md differs: set ORLOP_GOLDEN=write to renew it");
  });
});
