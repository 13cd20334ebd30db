import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { LinuxDeviceCgroup } from "@orlop/core";
import { DEFAULT_DEVICE_RULES } from "../cgroup/default-device-rules.ts";
import type { StructLayout } from "../program/struct-layout.ts";
import {
  BPF_CGROUP_DEVICE,
  BPF_COMMAND,
  BPF_F_ALLOW_MULTI,
  BPF_LICENSE,
  BPF_PROG_TYPE_CGROUP_DEVICE,
  bpfProgAttachAttr,
  bpfProgLoadAttr,
} from "./bpf-attributes.ts";
import { BPF_INSTRUCTION_BYTES } from "./bpf-instruction.ts";
import { compileDeviceFilter } from "./device-filter.ts";

/**
 * Node cannot call bpf(2), so Python does, with the attributes laid out here: it patches in addresses and
 * descriptors, attaches the program, enters the cgroup and tries each `[path, flags]`.
 */
const PYTHON = `
import ctypes, json, os, struct, sys
order = json.load(sys.stdin)
libc = ctypes.CDLL(None, use_errno=True)
number = 321 if os.uname().machine == "x86_64" else 280
def bpf(command, attr):
    got = libc.syscall(number, command, attr, len(attr))
    if got < 0: sys.exit("bpf command %d: %s" % (command, os.strerror(ctypes.get_errno())))
    return got
program = ctypes.create_string_buffer(bytes.fromhex(order["program"]))
license = ctypes.create_string_buffer(order["license"].encode())
attr = ctypes.create_string_buffer(bytes.fromhex(order["load"]), len(order["load"]) // 2)
struct.pack_into("<Q", attr, order["insnsAt"], ctypes.addressof(program))
struct.pack_into("<Q", attr, order["licenseAt"], ctypes.addressof(license))
loaded = bpf(order["loadCommand"], attr)
directory = os.open(order["cgroup"], os.O_RDONLY | os.O_DIRECTORY)
attr = ctypes.create_string_buffer(bytes.fromhex(order["attach"]), len(order["attach"]) // 2)
struct.pack_into("<I", attr, order["targetAt"], directory)
struct.pack_into("<I", attr, order["programAt"], loaded)
bpf(order["attachCommand"], attr)
open(order["cgroup"] + "/cgroup.procs", "w").write("0")
results = []
for path, flags in order["opens"]:
    try: os.close(os.open(path, flags)); results.append("ok")
    except OSError as error: results.append(error.strerror)
print(json.dumps(results))
`;

function attribute<Field extends string>(layout: StructLayout<Field>, values: Partial<Record<Field, number>>): string {
  const view = new DataView(new ArrayBuffer(layout.size));
  for (const [field, value] of Object.entries<number | undefined>(values)) {
    view.setUint32(layout.fields[field as Field].offset, value ?? 0, true);
  }
  return Buffer.from(view.buffer).toString("hex");
}

/** Opens each path, for each flag, in a new cgroup under the filter; words of strerror(3) or "ok". */
function openUnderFilter(rules: readonly LinuxDeviceCgroup[], opens: readonly [string, number][]): string[] {
  const cgroup = `${unifiedMount()}/orlop-device-filter-${process.pid}`;
  const program = compileDeviceFilter(rules);
  const order = {
    cgroup,
    opens,
    program: Buffer.from(program).toString("hex"),
    license: BPF_LICENSE,
    load: attribute(bpfProgLoadAttr, {
      prog_type: BPF_PROG_TYPE_CGROUP_DEVICE,
      insn_cnt: program.length / BPF_INSTRUCTION_BYTES,
    }),
    loadCommand: BPF_COMMAND.PROG_LOAD,
    insnsAt: bpfProgLoadAttr.fields.insns.offset,
    licenseAt: bpfProgLoadAttr.fields.license.offset,
    attach: attribute(bpfProgAttachAttr, { attach_type: BPF_CGROUP_DEVICE, attach_flags: BPF_F_ALLOW_MULTI }),
    attachCommand: BPF_COMMAND.PROG_ATTACH,
    targetAt: bpfProgAttachAttr.fields.target_fd.offset,
    programAt: bpfProgAttachAttr.fields.attach_bpf_fd.offset,
  };
  mkdirSync(cgroup);
  try {
    const run = spawnSync("python3", ["-c", PYTHON], { input: JSON.stringify(order), encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);
    return JSON.parse(run.stdout) as string[];
  } finally {
    rmdirSync(cgroup);
  }
}

function unifiedMount(): string | undefined {
  const line = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .find((mount) => mount.includes(" - cgroup2 "));
  return line?.split(" ")[4];
}

function skipReason(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (unifiedMount() === undefined) return "needs a cgroup2 mount";
  if (spawnSync("python3", ["--version"]).status !== 0) return "needs python3, which calls bpf(2) for this test";
  return undefined;
}

function testAsRoot(title: string, body: (t: TestContext) => void): void {
  test(title, (t) => {
    const reason = skipReason();
    if (reason === undefined) body(t);
    else t.skip(reason);
  });
}

const READ = 0;
const WRITE = 1;
const BOTH = 2;

testAsRoot("the kernel accepts the default filter and it lets /dev/null through and not /dev/kmsg", () => {
  const rules = [{ allow: false, access: "rwm" }, ...DEFAULT_DEVICE_RULES];
  const opens: [string, number][] = [
    ["/dev/null", BOTH],
    ["/dev/zero", READ],
    ["/dev/kmsg", READ],
  ];
  assert.deepEqual(openUnderFilter(rules, opens), ["ok", "ok", "Operation not permitted"]);
});

testAsRoot("the kernel accepts a filter that allows all but writing to /dev/zero", () => {
  const rules: LinuxDeviceCgroup[] = [
    { allow: true, access: "rwm" },
    { allow: false, type: "c", major: 1, minor: 5, access: "w" },
  ];
  const opens: [string, number][] = [
    ["/dev/zero", READ],
    ["/dev/zero", WRITE],
    ["/dev/zero", BOTH],
    ["/dev/null", BOTH],
  ];
  assert.deepEqual(openUnderFilter(rules, opens), ["ok", "Operation not permitted", "Operation not permitted", "ok"]);
});

testAsRoot("the kernel accepts a filter that denies everything and one with a hole", () => {
  assert.deepEqual(openUnderFilter([], [["/dev/null", READ]]), ["Operation not permitted"]);
  const rules: LinuxDeviceCgroup[] = [
    { allow: true, type: "c", major: 1, access: "rw" },
    { allow: false, type: "c", major: 1, minor: 3, access: "r" },
  ];
  const opens: [string, number][] = [
    ["/dev/null", READ],
    ["/dev/null", WRITE],
    ["/dev/zero", BOTH],
  ];
  assert.deepEqual(openUnderFilter(rules, opens), ["Operation not permitted", "ok", "ok"]);
});
