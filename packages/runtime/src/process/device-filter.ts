import {
  type Architecture,
  BPF_CGROUP_DEVICE,
  BPF_CGROUP_PROGRAM_MAX,
  BPF_COMMAND,
  BPF_F_ALLOW_MULTI,
  BPF_F_REPLACE,
  BPF_LICENSE,
  BPF_PROG_TYPE_CGROUP_DEVICE,
  bpfProgAttachAttr,
  bpfProgGetFdByIdAttr,
  bpfProgLoadAttr,
  bpfProgQueryAttr,
  type CgroupOperation,
  emitReport,
  type Pointer,
  type Program,
  ProgramBuilder,
  reportBuffer,
  type Slot,
  type StructLayout,
  type Value,
} from "@orlop/kernel";

/** What a filter for devices is attached to; see `AttachDeviceFilter` of the kernel's cgroup plans. */
type DeviceFilter = Extract<CgroupOperation, { kind: "attach-device-filter" }>;

function emitBpf<Field extends string>(
  p: ProgramBuilder,
  command: keyof typeof BPF_COMMAND,
  attr: Pointer,
  layout: StructLayout<Field>,
  options: Parameters<ProgramBuilder["call"]>[2] = {},
): void {
  p.call("bpf", [p.number(BPF_COMMAND[command], `BPF_${command}`), attr, layout.size], options);
}

/** `directory` = the cgroup's descriptor, `program` = the loaded filter's. */
function emitLoad(p: ProgramBuilder, filter: DeviceFilter, directory: Slot, program: Slot): void {
  const retry = p.label("load");
  const flags = p.flags("O_RDONLY|O_DIRECTORY|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(filter.directory), flags, 0], { into: directory });
  const load = p.struct(bpfProgLoadAttr, {
    prog_type: p.number(BPF_PROG_TYPE_CGROUP_DEVICE, "BPF_PROG_TYPE_CGROUP_DEVICE"),
    insn_cnt: filter.program.length / 8,
    insns: p.bytes(filter.program, "<device filter>"),
    license: p.text(BPF_LICENSE),
  });
  p.mark(retry);
  emitBpf(p, "PROG_LOAD", load, bpfProgLoadAttr, { into: program, on: ["EAGAIN"], goto: retry });
}

/** Attaches beside what is attached, or in the place of `replaced`. */
function emitAttach(p: ProgramBuilder, directory: Slot, program: Slot, replaced?: Slot): void {
  const { fields } = bpfProgAttachAttr;
  const names = replaced === undefined ? "BPF_F_ALLOW_MULTI" : "BPF_F_ALLOW_MULTI|BPF_F_REPLACE";
  const attr = p.struct(bpfProgAttachAttr, {
    attach_type: p.number(BPF_CGROUP_DEVICE, "BPF_CGROUP_DEVICE"),
    attach_flags: p.number(BPF_F_ALLOW_MULTI | (replaced === undefined ? 0 : BPF_F_REPLACE), names),
  });
  p.store(attr.at(fields.target_fd.offset), 4, directory);
  p.store(attr.at(fields.attach_bpf_fd.offset), 4, program);
  if (replaced !== undefined) p.store(attr.at(fields.replace_bpf_fd.offset), 4, replaced);
  emitBpf(p, "PROG_ATTACH", attr, bpfProgAttachAttr);
}

/** In the reaper: a new cgroup has no other filter of ours to replace. */
export function emitAttachDeviceFilter(p: ProgramBuilder, filter: DeviceFilter): void {
  const directory = p.slot("file");
  const program = p.slot("bpf_program");
  emitLoad(p, filter, directory, program);
  emitAttach(p, directory, program);
  p.call("close", [program]);
  p.call("close", [directory]);
}

/**
 * Compiles the exchange of a cgroup's filters for a new one: in one step where there is one, otherwise the new one first,
 * so that there never is none. A device is allowed when every filter allows it.
 */
export function compileReplaceDeviceFilter(architecture: Architecture, filter: DeviceFilter): Program {
  const p = new ProgramBuilder(architecture);
  const [directory, program, old] = [p.slot("directory"), p.slot("bpf_program"), p.slot("old_program")];
  const [count, next] = [p.slot("count"), p.slot("next")];
  const report = reportBuffer(p);
  const [several, each, done, failed] = [p.label("not one"), p.label("detach"), p.label("done"), p.label("failed")];
  const ids = p.buffer(4 * BPF_CGROUP_PROGRAM_MAX, "<program ids>");
  p.role("updater");
  p.step({ action: `replace the device filter of "${filter.directory}"`, field: filter.field, why: filter.reason });
  p.handler(failed);
  emitReport(p, report, "created");
  emitLoad(p, filter, directory, program);
  const query = p.struct(bpfProgQueryAttr, {
    attach_type: p.number(BPF_CGROUP_DEVICE, "BPF_CGROUP_DEVICE"),
    prog_ids: ids,
    prog_cnt: BPF_CGROUP_PROGRAM_MAX,
  });
  p.store(query.at(bpfProgQueryAttr.fields.target_fd.offset), 4, directory);
  emitBpf(p, "PROG_QUERY", query, bpfProgQueryAttr);
  p.load(count, query.at(bpfProgQueryAttr.fields.prog_cnt.offset), 4);
  p.branch(count, "ne", 1, several);
  emitOpenById(p, ids, 0, old);
  emitAttach(p, directory, program, old);
  p.jump(done);
  p.mark(several);
  emitAttach(p, directory, program);
  p.set(next, 0);
  p.mark(each);
  p.branch(count, "eq", 0, done);
  emitOpenById(p, ids, next, old);
  emitDetach(p, directory, old);
  p.call("close", [old]);
  p.add(next, next, 4);
  p.add(count, count, p.number(-1));
  p.jump(each);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.mark(done);
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  return p.build();
}

/** `into` = a descriptor of the program whose id stands at `offset` in `ids`. */
function emitOpenById(p: ProgramBuilder, ids: Pointer, offset: Value, into: Slot): void {
  const attr = p.struct(bpfProgGetFdByIdAttr, {});
  const id = p.slot("program_id");
  p.load(id, ids, 4, offset);
  p.store(attr.at(bpfProgGetFdByIdAttr.fields.prog_id.offset), 4, id);
  emitBpf(p, "PROG_GET_FD_BY_ID", attr, bpfProgGetFdByIdAttr, { into });
}

function emitDetach(p: ProgramBuilder, directory: Slot, program: Slot): void {
  const attr = p.struct(bpfProgAttachAttr, { attach_type: p.number(BPF_CGROUP_DEVICE, "BPF_CGROUP_DEVICE") });
  p.store(attr.at(bpfProgAttachAttr.fields.target_fd.offset), 4, directory);
  p.store(attr.at(bpfProgAttachAttr.fields.attach_bpf_fd.offset), 4, program);
  emitBpf(p, "PROG_DETACH", attr, bpfProgAttachAttr);
}
