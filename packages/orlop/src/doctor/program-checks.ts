import type { DoctorHost } from "./doctor-host.ts";
import { type Finding, ok, warning } from "./finding.ts";

interface NeededProgram {
  /** Any of these will do. */
  readonly names: readonly string[];
  /** Debian's package. */
  readonly debian: string;
  readonly why: string;
}

const PROGRAMS: readonly NeededProgram[] = [
  {
    names: ["crun"],
    debian: "crun",
    why: "configs are run under it, too, and compared; it is what benchmarks measure against",
  },
  { names: ["runc"], debian: "runc", why: "configs are run under it, too, and compared" },
  { names: ["busybox"], debian: "busybox-static", why: "test containers consist of it" },
  {
    names: ["qemu-aarch64", "qemu-aarch64-static"],
    debian: "qemu-user",
    why: "the machine for the other processor runs under it",
  },
  { names: ["objdump"], debian: "binutils", why: "the machine is disassembled by it" },
  {
    names: ["aarch64-linux-gnu-objdump"],
    debian: "binutils-aarch64-linux-gnu",
    why: "the machine for arm64 is disassembled by it",
  },
  { names: ["strace"], debian: "strace", why: "explanations are compared with what it sees" },
  { names: ["python3"], debian: "python3-minimal", why: "terminals are tested with it" },
  { names: ["setpriv"], debian: "util-linux", why: "root runs the tests of ordinary users with it" },
  { names: ["nft"], debian: "nftables", why: "netlink messages are compared with its own" },
  { names: ["ip"], debian: "iproute2", why: "netlink messages are compared with its own" },
];

/** What the tests and benchmarks of a checkout use. */
export function programChecks(host: DoctorHost): readonly Finding[] {
  return PROGRAMS.map(({ names, debian, why }) => {
    const found = names.map((name) => host.findProgram(name)).find((path) => path !== undefined);
    const [name = ""] = names;
    if (found !== undefined) return ok(name, found);
    return warning(name, "not installed", `${why}; those tests skip`, `sudo apt-get install ${debian}`);
  });
}
