import { type StructLayout, structLayout } from "../program/struct-layout.ts";

/** Commands of bpf(2), `enum bpf_cmd` of include/uapi/linux/bpf.h. */
export const BPF_COMMAND = {
  PROG_LOAD: 5,
  PROG_ATTACH: 8,
  PROG_DETACH: 9,
  PROG_GET_FD_BY_ID: 13,
  PROG_QUERY: 16,
} as const;

/** `enum bpf_prog_type`: decides on device access of the processes of a cgroup (Linux 4.15). */
export const BPF_PROG_TYPE_CGROUP_DEVICE = 15;

/** `enum bpf_attach_type`. */
export const BPF_CGROUP_DEVICE = 6;

/** Attach flags: keep the filters of ancestors and siblings; replace one program by another (Linux 5.6). */
export const BPF_F_ALLOW_MULTI: number = 1 << 1;
export const BPF_F_REPLACE: number = 1 << 2;

/** The kernel accepts at most so many programs on one cgroup (`BPF_CGROUP_MAX_PROGS`, include/linux/bpf-cgroup.h). */
export const BPF_CGROUP_PROGRAM_MAX = 64;

/** Verification gives EAGAIN when a signal interrupts it (since Linux 4.20); more retries than this is a failure. */
export const BPF_LOAD_RETRY_MAX = 30;

/**
 * Name under which the program asks for helpers. A device filter calls none, so any licence loads; the string
 * is what `bpftool prog` shows.
 */
export const BPF_LICENSE = "Apache-2.0";

/**
 * Parts of `union bpf_attr` (include/uapi/linux/bpf.h), one table a command. The kernel reads what lies
 * beyond the given size as zero, so each table ends at the last field in use.
 */
export const bpfProgLoadAttr: StructLayout<
  | "prog_type"
  | "insn_cnt"
  | "insns"
  | "license"
  | "log_level"
  | "log_size"
  | "log_buf"
  | "kern_version"
  | "prog_flags"
  | "prog_name"
> = structLayout("bpf_attr (BPF_PROG_LOAD)", 64, {
  prog_type: "u32",
  insn_cnt: "u32",
  insns: "pointer",
  license: "pointer",
  log_level: "u32",
  log_size: "u32",
  log_buf: "pointer",
  kern_version: "u32",
  prog_flags: "u32",
  prog_name: 16,
});

/** For BPF_PROG_ATTACH and BPF_PROG_DETACH. */
export const bpfProgAttachAttr: StructLayout<
  "target_fd" | "attach_bpf_fd" | "attach_type" | "attach_flags" | "replace_bpf_fd"
> = structLayout("bpf_attr (BPF_PROG_ATTACH)", 20, {
  target_fd: "u32",
  attach_bpf_fd: "u32",
  attach_type: "u32",
  attach_flags: "u32",
  replace_bpf_fd: "u32",
});

/** For BPF_PROG_GET_FD_BY_ID. */
export const bpfProgGetFdByIdAttr: StructLayout<"prog_id" | "next_id" | "open_flags"> = structLayout(
  "bpf_attr (BPF_PROG_GET_FD_BY_ID)",
  12,
  { prog_id: "u32", next_id: "u32", open_flags: "u32" },
);

/**
 * For BPF_PROG_QUERY. Complete to `revision`, because Linux 6.17 to 7.1 write that field whatever size the
 * caller gives.
 */
export const bpfProgQueryAttr: StructLayout<
  | "target_fd"
  | "attach_type"
  | "query_flags"
  | "attach_flags"
  | "prog_ids"
  | "prog_cnt"
  | "prog_attach_flags"
  | "link_ids"
  | "link_attach_flags"
  | "revision"
> = structLayout("bpf_attr (BPF_PROG_QUERY)", 64, {
  target_fd: "u32",
  attach_type: "u32",
  query_flags: "u32",
  attach_flags: "u32",
  prog_ids: "pointer",
  prog_cnt: "u32",
  prog_attach_flags: "pointer",
  link_ids: "pointer",
  link_attach_flags: "pointer",
  revision: "u64",
});
