// table: where other profiles differ from the default one, call by call
/** Calls that a published profile treats differently from the default profile, for one reason. */
interface ProfileDifference {
  readonly profile: "docker" | "podman";
  readonly reason: string;
  /** Names, separated by blanks. */
  readonly calls: string;
}

/**
 * Every difference between the default profile and those that Debian packages install: docker's source from 20.10 to
 * 28.5 (golang-github-docker-docker-dev) and podman's from 0.50 to 0.67 (golang-github-containers-common).
 */
export const PROFILE_DIFFERENCES: readonly ProfileDifference[] = [
  {
    profile: "docker",
    reason: "docker allowed them later than 20.10, when kernel and libseccomp had them",
    calls:
      "cachestat clock_settime64 fchmodat2 futex_requeue futex_wait futex_wake getxattrat listmount listxattrat lsm_get_self_attr lsm_list_modules lsm_set_self_attr map_shadow_stack mseal removexattrat riscv_flush_icache riscv_hwprobe set_mempolicy_home_node setxattrat statmount swapcontext uretprobe",
  },
  {
    profile: "docker",
    reason: "docker 23 to 25 came to allow them: they are as safe as what is allowed beside them",
    calls: "name_to_handle_at pkey_alloc pkey_free pkey_mprotect process_vm_readv process_vm_writev",
  },
  {
    profile: "docker",
    reason: "docker 23 gave CAP_BPF and CAP_PERFMON, of Linux 5.8, a meaning of their own",
    calls: "bpf perf_event_open",
  },
  { profile: "docker", reason: "docker 23 closed AF_VSOCK, which leads out of a virtual machine", calls: "socket" },
  {
    profile: "docker",
    reason: "docker 25 closed io_uring, after its vulnerabilities",
    calls: "io_uring_enter io_uring_register io_uring_setup",
  },
  {
    profile: "podman",
    reason: "podman lets containers make namespaces and mounts in them, as rootless nesting needs",
    calls:
      "clone clone3 fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root setns umount umount2 unshare fanotify_init",
  },
  {
    profile: "podman",
    reason: "podman relies on the kernel's own capability checks",
    calls: "get_mempolicy keyctl mbind pidfd_getfd query_module reboot set_mempolicy set_mempolicy_home_node syslog",
  },
  {
    profile: "podman",
    reason: "podman asks other things of a socket: no audit without its capability, AF_VSOCK only sometimes",
    calls: "socket",
  },
  {
    profile: "podman",
    reason: "podman allows the obsolete calls of old C libraries",
    calls: "readdir sigaction signal sigpending sigsuspend syscall timerfd",
  },
  {
    profile: "podman",
    reason: "podman's profile is older than the calls, or did not take them over yet",
    calls:
      "cachestat fchmodat2 futex_requeue futex_wait futex_waitv futex_wake getxattrat io_pgetevents io_pgetevents_time64 listmount listxattrat lsm_get_self_attr lsm_list_modules lsm_set_self_attr map_shadow_stack mseal quotactl_fd removexattrat riscv_flush_icache riscv_hwprobe setxattrat statmount swapcontext uretprobe vmsplice",
  },
  {
    profile: "podman",
    reason: "podman ties them to one of the capabilities that docker ties them to",
    calls: "bpf perf_event_open",
  },
];
