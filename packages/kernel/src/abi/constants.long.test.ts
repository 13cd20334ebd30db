import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hostArchitecture } from "./architecture.ts";
import { evaluateC, hasCompiler } from "./c-headers-fixture.ts";
import { CONSTANTS, type ConstantName, constant } from "./constants.ts";
import { errnoName, errnoNumber, errnoWords } from "./errno.ts";

/** Headers that go together in one program; a name is looked up in each group. */
const HEADERS: readonly (readonly string[])[] = [
  ["linux/fcntl.h", "linux/openat2.h", "linux/stat.h", "linux/mount.h", "linux/magic.h", "linux/memfd.h"],
  ["linux/sched.h", "linux/wait.h", "linux/prctl.h", "linux/securebits.h", "linux/seccomp.h", "linux/close_range.h"],
  ["asm/poll.h", "linux/keyctl.h", "linux/ioprio.h", "linux/resource.h", "linux/netlink.h", "linux/sockios.h"],
  ["asm/mman.h", "linux/mempolicy.h", "linux/eventpoll.h", "linux/bpf.h", "linux/capability.h"],
  ["sys/mount.h"],
  ["linux/btrfs.h", "linux/btrfs_tree.h", "sys/ioctl.h"],
  ["linux/types.h", "linux/loop.h", "linux/dm-ioctl.h", "sys/ioctl.h"],
  ["linux/types.h", "linux/fs.h", "linux/quota.h", "linux/dqblk_xfs.h"],
  ["fcntl.h", "sys/socket.h", "sys/ioctl.h", "signal.h", "time.h", "sys/mman.h", "unistd.h", "sys/eventfd.h"],
];

const needsCompiler = hasCompiler() ? {} : { skip: "needs gcc and the kernel's headers (packages gcc, libc6-dev)" };

describe("constants", () => {
  test("have the values of the headers, as far as these headers have them", needsCompiler, (t) => {
    const names = Object.keys(CONSTANTS) as ConstantName[];
    const seen = new Set<string>();
    for (const group of HEADERS) {
      for (const [name, value] of evaluateC(group, names)) {
        seen.add(name);
        const ours = constant(name as ConstantName, hostArchitecture());
        // Some are ints in C, some unsigned longs: the low 32 bits of a negative one are its value too.
        assert.ok(
          ours === value || BigInt.asUintN(32, ours) === BigInt.asUintN(32, value),
          `${name}: ${ours}, ${value}`,
        );
      }
    }
    const unknown = names.filter((name) => !seen.has(name));
    t.diagnostic(`not in these headers: ${unknown.join(", ")}`);
    assert.ok(seen.size > names.length * 0.8, `only ${seen.size} of ${names.length} found`);
  });
});

describe("errno values", () => {
  test("have the numbers of the headers", needsCompiler, () => {
    const names = Array.from({ length: 133 }, (_, number) => errnoName(number)).filter((name) => !name.includes(" "));
    const values = evaluateC(["asm/errno.h"], names);
    assert.equal(values.size, names.length);
    for (const [name, value] of values) assert.equal(BigInt(errnoNumber(name)), value, name);
  });

  test("have words, and a number without a name says so", () => {
    assert.equal(errnoWords("ENOENT"), "no such file or directory");
    assert.equal(errnoName(4000), "errno 4000");
    assert.throws(() => errnoNumber("EWHAT"), RangeError);
  });
});
