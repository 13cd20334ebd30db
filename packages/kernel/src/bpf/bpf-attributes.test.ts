import assert from "node:assert/strict";
import { test } from "node:test";
import type { StructLayout } from "../program/struct-layout.ts";
import { bpfProgAttachAttr, bpfProgGetFdByIdAttr, bpfProgLoadAttr, bpfProgQueryAttr } from "./bpf-attributes.ts";

function offsets(layout: StructLayout): Record<string, number> {
  return Object.fromEntries(Object.entries(layout.fields).map(([name, field]) => [name, field.offset]));
}

test("the fields of bpf_attr lie where offsetof() of gcc puts them", () => {
  assert.deepEqual(offsets(bpfProgLoadAttr), {
    prog_type: 0,
    insn_cnt: 4,
    insns: 8,
    license: 16,
    log_level: 24,
    log_size: 28,
    log_buf: 32,
    kern_version: 40,
    prog_flags: 44,
    prog_name: 48,
  });
  assert.deepEqual(offsets(bpfProgAttachAttr), {
    target_fd: 0,
    attach_bpf_fd: 4,
    attach_type: 8,
    attach_flags: 12,
    replace_bpf_fd: 16,
  });
  assert.deepEqual(offsets(bpfProgGetFdByIdAttr), { prog_id: 0, next_id: 4, open_flags: 8 });
  const query = offsets(bpfProgQueryAttr);
  assert.deepEqual(
    { ...query, link_ids: undefined, link_attach_flags: undefined, revision: undefined },
    {
      target_fd: 0,
      attach_type: 4,
      query_flags: 8,
      attach_flags: 12,
      prog_ids: 16,
      prog_cnt: 24,
      prog_attach_flags: 32,
      link_ids: undefined,
      link_attach_flags: undefined,
      revision: undefined,
    },
  );
  assert.equal(query.revision, 56);
});
