import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { CLONE_ARGS, IOVEC, MSGHDR, OPEN_HOW, SIGACTION, SOCK_FPROG } from "../abi/structs.ts";
import { syscallNumber } from "../abi/syscalls.ts";
import { BOOT_ADDRESS, DATA_END, REQUEST_ADDRESS, SLOTS_ADDRESS, TEXT_ADDRESS } from "../machine/memory-layout.ts";
import { sealProgram, zygoteProgram } from "../zygote/zygote-program.ts";
import { ProgramBuilder } from "./builder.ts";
import { Immediate, type Instruction, Label, type Op, type Operand, Pointer, Slot } from "./instruction.ts";
import { mutateProgram } from "./mutate-program-fixture.ts";
import { encodeProgram, type Program, TOKEN_BYTES } from "./program.ts";
import { Random, randomProgram } from "./random-program-fixture.ts";
import { verifyProgram } from "./verify.ts";

// Few are accepted: of a short look none would be.
const FUZZ_RUNS = Math.max(1000, Number(process.env.ORLOP_FUZZ_RUNS ?? 3000));
const SEED = process.env.ORLOP_FUZZ_SEED;

/** A program of what `write` writes, and an end. */
function build(write: (p: ProgramBuilder) => void): Program {
  const p = new ProgramBuilder("x86_64");
  p.step({ action: "test the verifier" });
  write(p);
  p.call("exit_group", [0]);
  return p.build();
}

function accepts(write: (p: ProgramBuilder) => void, loadAddress?: number): void {
  verifyProgram(build(write), loadAddress === undefined ? {} : { loadAddress });
}

/** The program is refused as our own mistake, for a reason that matches. */
function refuses(program: Program | ((p: ProgramBuilder) => void), reason: RegExp, loadAddress?: number): void {
  const whole = typeof program === "function" ? build(program) : program;
  assert.throws(
    () => verifyProgram(whole, loadAddress === undefined ? {} : { loadAddress }),
    (error) => error instanceof OrlopError && error.code === "internal" && reason.test(error.message),
    `${reason}`,
  );
}

/** The program of `write` with its first instruction changed. */
function changed(write: (p: ProgramBuilder) => void, change: Partial<Instruction>): Program {
  const program = build(write);
  const first = program.instructions[0] as Instruction;
  return { ...program, instructions: program.instructions.with(0, { ...first, ...change }) };
}

const number = (value: bigint): Immediate => new Immediate(value, "number");
const labelAt = (index: number | undefined): Label => {
  const label = new Label("there");
  label.index = index;
  return label;
};

describe("the form of an instruction", () => {
  const getpid = (p: ProgramBuilder): void => p.call("getpid", []);
  const add = (p: ProgramBuilder): void => p.add(p.slot("a"), 1, 2);

  test("must be known", () => {
    refuses(changed(getpid, { op: "nop" as Op }), /unknown instruction nop/);
    refuses(changed(getpid, { op: "constructor" as Op }), /unknown instruction/);
    refuses(changed(getpid, { number: 9999 }), /system call 9999 is not in the table/);
    refuses(changed(getpid, { number: syscallNumber("getpid", "aarch64") }), /not in the table|takes/);
    refuses(
      changed((p) => p.branch(1, "eq", 1, labelAt(0)), { number: 4 }),
      /unknown condition 4/,
    );
    refuses(changed(add, { number: 1 }), /number 1 where there is none/);
  });

  test("has the operands and the destination that the op has", () => {
    refuses(changed(add, { operands: [number(1n)] }), /wrong number of operands/);
    refuses(changed(getpid, { operands: [number(1n)] }), /1 arguments where getpid takes 0/);
    refuses(changed(add, { into: undefined }), /no destination/);
    refuses(
      changed((p) => p.jump(labelAt(0)), { into: new Slot(1, "a") }),
      /never written/,
    );
  });

  test("belongs to a step", () => {
    for (const step of [-1, 1, 0.5, Number.NaN]) refuses(changed(getpid, { step }), /no step/);
  });

  test("names slots that exist", () => {
    for (const index of [-1, 255, 1.5, Number.NaN]) {
      refuses(changed(add, { into: new Slot(index, "bad") }), /does not exist/);
      refuses(changed(add, { operands: [new Slot(index, "bad"), number(0n)] }), /does not exist/);
    }
    verifyProgram(changed(add, { into: new Slot(254, "last") }));
  });

  test("has numbers of 64 bits", () => {
    for (const value of [-1n, 2n ** 64n]) refuses(changed(add, { operands: [number(value), number(0n)] }), /64 bits/);
    verifyProgram(changed(add, { operands: [number(2n ** 64n - 1n), number(0n)] }));
  });

  test("points into the image", () => {
    const program = (pointer: Pointer): Program => changed(add, { operands: [pointer, number(0n)] });
    for (const [offset, length] of [
      [-1, 1],
      [0, 1],
      [1, 0],
      [0, -1],
      [0.5, 0],
      [0, Number.NaN],
    ] as const) {
      refuses(program(new Pointer(offset, length, "bad")), /outside the image/);
    }
    verifyProgram(program(new Pointer(0, 0, "nothing")));
    refuses(changed(add, { operands: [{} as Operand, number(0n)] }), /of no kind/);
  });

  test("goes to instructions that exist", () => {
    for (const index of [-1, 2, 0.5, Number.NaN]) refuses((p) => p.jump(labelAt(index)), /outside the program/);
    refuses((p) => p.jump(labelAt(undefined)), /never marked/);
    refuses((p) => p.handler(labelAt(7)), /outside the program/);
    accepts((p) => p.jump(labelAt(1)));
  });

  test("has errno values only where there are some, with a target, and at most four", () => {
    const target = labelAt(0);
    refuses(changed(getpid, { errnos: [1] }), /do not go together/);
    refuses(changed(getpid, { target }), /do not go together/);
    refuses(changed(getpid, { errnos: [1, 2, 3, 4, 5], target }), /more than 4/);
    for (const errno of [0, 256, -1, 1.5]) refuses(changed(getpid, { errnos: [errno], target }), /bad errno/);
    refuses(
      changed((p) => p.jump(target), { errnos: [1] }),
      /where nothing gives one/,
    );
    refuses(
      changed((p) => p.jump(target), { errnos: "any" }),
      /where nothing gives one/,
    );
    verifyProgram(changed(getpid, { errnos: [1, 255], target }));
  });
});

describe("the whole program", () => {
  test("must not be empty", () => {
    refuses({ ...build(() => {}), instructions: [] }, /it is empty/);
  });

  test("must end with an instruction that nothing follows", () => {
    const end = (write: (p: ProgramBuilder) => void): Program => {
      const p = new ProgramBuilder("x86_64");
      p.step({ action: "end" });
      write(p);
      return p.build();
    };
    refuses(
      end((p) => p.call("getpid", [])),
      /runs off the end/,
    );
    refuses(
      end((p) => p.branch(0, "eq", 0, labelAt(0))),
      /runs off the end/,
    );
    refuses(
      end((p) => p.handler(labelAt(0))),
      /runs off the end/,
    );
    for (const write of [
      (p: ProgramBuilder) => p.jump(labelAt(0)),
      (p: ProgramBuilder) => p.fail("EPERM"),
      (p: ProgramBuilder) => p.enter(REQUEST_ADDRESS),
      (p: ProgramBuilder) => p.call("exit_group", [p.slot("status")]),
    ]) {
      verifyProgram(end(write));
    }
  });

  test("has relocations inside its image", () => {
    const program = build((p) => void p.vector(["a"]));
    for (const relocation of [
      { at: -1, to: 0 },
      { at: program.image.length - 7, to: 0 },
      { at: 0, to: program.image.length + 1 },
      { at: 0.5, to: 0 },
      { at: 0, to: Number.NaN },
    ]) {
      refuses({ ...program, relocations: [relocation] }, /relocation .* is outside the image/);
    }
    verifyProgram({ ...program, relocations: [{ at: program.image.length - 8, to: program.image.length }] });
  });

  test("enters the two program areas only", () => {
    accepts((p) => p.enter(BOOT_ADDRESS));
    accepts((p) => p.enter(REQUEST_ADDRESS));
    for (const address of [0, TEXT_ADDRESS, SLOTS_ADDRESS, BOOT_ADDRESS + 64, DATA_END]) {
      refuses((p) => p.enter(address), /only the two program areas/);
    }
    refuses(
      changed((p) => p.enter(BOOT_ADDRESS), { operands: [new Slot(3, "a")] }),
      /only the two program areas/,
    );
  });

  test("is named with the step in the error", () => {
    refuses((p) => p.enter(1), /^Cannot verify instruction "0" \(test the verifier\): /);
  });
});

describe("loads and stores", () => {
  test("have a width that the machine has", () => {
    for (const width of [0, 3, 16, -1])
      refuses(
        changed((p) => p.load(p.slot("a"), p.buffer(16), 1), { number: width }),
        /width/,
      );
  });

  test("stay inside their object", () => {
    const load = (offset: Operand, bound: Operand, base: Operand = new Pointer(0, 16, "object")): Program =>
      changed((p) => p.load(p.slot("a"), p.buffer(16), 8), { operands: [base, offset, bound] });
    verifyProgram(load(new Slot(3, "offset"), number(8n)));
    refuses(load(new Slot(3, "offset"), number(9n)), /bound lies outside/);
    refuses(load(new Slot(3, "offset"), number(2n ** 64n - 1n)), /bound lies outside/);
    refuses(load(number(9n), number(8n)), /offset lies outside/);
    refuses(load(number(0n), new Slot(3, "bound")), /wrong kind/);
    refuses(load(new Pointer(0, 16, "offset"), number(8n)), /wrong kind/);
    refuses(load(number(0n), number(0n), number(BigInt(BOOT_ADDRESS))), /base is not a pointer/);
    refuses(load(number(0n), number(0n), new Slot(3, "base")), /base is not a pointer/);
  });
});

describe("the arguments of a system call", () => {
  test("are numbers where numbers belong", () => {
    refuses((p) => p.call("close", [p.buffer(8)]), /argument 0 of close: a pointer for a number/);
    accepts((p) => p.call("close", [p.slot("fd")]));
  });

  test("are strings with an end", () => {
    refuses((p) => p.call("chdir", [0]), /not a pointer/);
    refuses((p) => p.call("chdir", [p.slot("path")]), /not a pointer/);
    refuses((p) => p.call("chdir", [p.bytes(Buffer.from("/etc"))]), /string without an end/);
    refuses((p) => p.call("chdir", [p.text("/etc").at(0, 4)]), /string without an end/);
    accepts((p) => p.call("chdir", [p.buffer(16)]));
    accepts((p) => p.call("mount", [0, p.text("/"), 0, 0, 0]));
  });

  test("are objects that are large enough", () => {
    refuses((p) => p.call("pipe2", [p.buffer(7), 0]), /7 bytes where 8 are needed/);
    refuses((p) => p.call("pipe2", [0, 0]), /not a pointer/);
    accepts((p) => p.call("pipe2", [p.buffer(8), 0]));
  });

  test("are buffers of the length that is given", () => {
    refuses((p) => p.call("read", [0, p.buffer(8), 9]), /a buffer of 8 bytes for 9/);
    refuses((p) => p.call("read", [0, p.buffer(8), -1]), /a buffer of 8 bytes/);
    accepts((p) => p.call("read", [0, p.buffer(8), 8]));
    accepts((p) => p.call("read", [0, p.buffer(8), p.slot("length")]));
  });

  test("are vectors with an end", () => {
    const path = (p: ProgramBuilder): Pointer => p.text("/x");
    accepts((p) => p.call("execve", [path(p), p.vector(["a", "b"]), p.vector([])]));
    refuses((p) => p.call("execve", [path(p), p.vector(["a", "b"]).at(0, 16), p.vector([])]), /vector without an end/);
    refuses((p) => p.call("execve", [path(p), p.bytes(Buffer.alloc(8, 1)), p.vector([])]), /vector without an end/);
    refuses((p) => p.call("execve", [path(p), 0, p.vector([])]), /not a pointer/);
  });

  test("are what the command makes of them", () => {
    const socket = (p: ProgramBuilder): Slot => p.slot("socket");
    accepts((p) => p.call("prctl", [p.flags("PR_SET_NAME"), p.text("name"), 0, 0, 0]));
    refuses((p) => p.call("prctl", [p.flags("PR_SET_NAME"), 1, 0, 0, 0]), /not a pointer/);
    refuses((p) => p.call("prctl", [p.flags("PR_SET_KEEPCAPS"), p.text("1"), 0, 0, 0]), /a pointer for a number/);
    refuses((p) => p.call("prctl", [p.slot("option"), 1, 0, 0, 0]), /command is not known/);
    accepts((p) => p.call("ioctl", [socket(p), p.flags("TIOCGWINSZ"), p.buffer(8)]));
    refuses((p) => p.call("ioctl", [socket(p), p.flags("TIOCGWINSZ"), p.buffer(7)]), /7 bytes where 8/);
    // Encoded with its size: _IOR('T', 0x30, unsigned int).
    refuses((p) => p.call("ioctl", [socket(p), p.flags("TIOCGPTN"), p.buffer(3)]), /3 bytes where 4/);
    refuses((p) => p.call("ioctl", [socket(p), p.flags("TIOCGPTN"), TEXT_ADDRESS]), /not a pointer/);
    refuses((p) => p.call("ioctl", [socket(p), p.flags("TIOCSCTTY"), p.buffer(8)]), /a pointer for a number/);
    accepts((p) => p.call("fsconfig", [3, p.flags("FSCONFIG_SET_STRING"), p.text("a"), p.text("b"), 0]));
    refuses((p) => p.call("fsconfig", [3, p.flags("FSCONFIG_SET_FLAG"), p.text("a"), p.text("b"), 0]), /for a number/);
    refuses(
      (p) => p.call("fsconfig", [3, p.flags("FSCONFIG_SET_BINARY"), p.text("a"), p.buffer(4), 5]),
      /4 bytes for 5/,
    );
    accepts((p) => p.call("seccomp", [p.flags("SECCOMP_SET_MODE_FILTER"), 0, p.struct(SOCK_FPROG, {})]));
    refuses((p) => p.call("seccomp", [p.flags("SECCOMP_SET_MODE_FILTER"), 0, p.buffer(8)]), /8 bytes where 16/);
    refuses((p) => p.call("fcntl", [3, 5, p.buffer(31)]), /31 bytes where 32/);
  });
});

describe("a buffer at an absolute address", () => {
  test("may be the request area, whole or in part", () => {
    accepts((p) => p.call("read", [0, REQUEST_ADDRESS, DATA_END - REQUEST_ADDRESS]));
    accepts((p) => p.call("read", [0, REQUEST_ADDRESS + 64, p.slot("length")]));
    refuses((p) => p.call("read", [0, REQUEST_ADDRESS + 1, DATA_END - REQUEST_ADDRESS]), /outside the area/);
  });

  test("may be nothing else that the machine has", () => {
    for (const address of [TEXT_ADDRESS, SLOTS_ADDRESS, BOOT_ADDRESS, REQUEST_ADDRESS - 1, DATA_END]) {
      refuses((p) => p.call("read", [0, address, 1]), /outside the area/);
    }
    refuses((p) => p.call("openat2", [0, p.text(""), SLOTS_ADDRESS, OPEN_HOW.size]), /outside the area/);
  });

  test("may be read from the machine's own code, to copy it", () => {
    accepts((p) => p.call("write", [1, TEXT_ADDRESS, 1000]));
    refuses((p) => p.call("write", [1, TEXT_ADDRESS, SLOTS_ADDRESS - TEXT_ADDRESS + 1]), /outside the area/);
  });

  test("may not be written by a program that is there itself", () => {
    refuses((p) => p.call("read", [0, REQUEST_ADDRESS, 8]), /by the program in it/, REQUEST_ADDRESS);
    accepts((p) => p.call("read", [0, REQUEST_ADDRESS, 8]), BOOT_ADDRESS);
    accepts((p) => p.call("write", [0, REQUEST_ADDRESS, 8]), REQUEST_ADDRESS);
  });

  test("may be computed for the kernel to read, from an object's address only", () => {
    const write = (compute: (p: ProgramBuilder, into: Slot) => void) => (p: ProgramBuilder) => {
      compute(p, p.slot("at"));
      p.call("write", [1, p.slot("at"), 1]);
    };
    accepts(write((p, at) => p.add(at, p.buffer(8), p.slot("done"))));
    accepts(
      write((p, at) => {
        p.add(p.slot("start"), p.buffer(8), 0);
        p.add(at, p.slot("start"), 4);
        p.add(at, at, p.slot("done"));
      }),
    );
    refuses(
      write(() => {}),
      /slot at holds no address/,
    );
    refuses(
      write((p, at) => p.set(at, 5)),
      /slot at holds no address/,
    );
    refuses(
      write((p, at) => p.and(at, p.buffer(8), -8)),
      /slot at holds no address/,
    );
    refuses(
      write((p, at) => p.call("openat", [-100, p.text("/"), 0, 0], { into: at })),
      /slot at holds no address/,
    );
    refuses(
      write((p, at) => {
        p.add(at, p.buffer(8), 0);
        p.load(at, p.buffer(8), 8);
      }),
      /slot at holds no address/,
    );
    refuses(
      write((p, at) => p.add(at, at, 1)),
      /slot at holds no address/,
    );
    refuses(
      write((p, at) => p.add(at, p.buffer(8), p.buffer(8))),
      /slot at holds no address/,
    );
  });

  test("may not be computed for the kernel to write", () => {
    refuses((p) => {
      p.add(p.slot("at"), p.buffer(8), 4);
      p.call("read", [0, p.slot("at"), 1]);
    }, /write to a computed address/);
  });

  test("may be emptied, if it is the request area, from outside", () => {
    const advise = (start: number, length: number) => (p: ProgramBuilder) => p.call("madvise", [start, length, 4]);
    accepts(advise(REQUEST_ADDRESS, DATA_END - REQUEST_ADDRESS));
    refuses(advise(BOOT_ADDRESS, 4096), /outside the request area/);
    refuses(advise(REQUEST_ADDRESS, DATA_END), /outside the request area/);
    refuses((p) => p.call("madvise", [p.slot("at"), 1, 4]), /not known/);
  });
});

describe("what leads the kernel to memory", () => {
  const SIGCHLD = 17;

  test("clone: no memory is shared and no stack is given", () => {
    accepts((p) => p.call("clone", [p.number(SIGCHLD), 0, 0, 0, 0]));
    accepts((p) => p.call("clone", [p.flags("CLONE_PIDFD|CLONE_NEWPID"), 0, p.buffer(4), 0, 0]));
    for (const flag of [0x100, 0x800, 0x10000, 0x80000, 0x100000, 0x200000, 0x1000000]) {
      refuses((p) => p.call("clone", [flag | SIGCHLD, 0, 0, 0, 0]), /share memory/);
    }
    refuses((p) => p.call("clone", [p.slot("flags"), 0, 0, 0, 0]), /not known/);
    refuses((p) => p.call("clone", [SIGCHLD, p.slot("stack"), 0, 0, 0]), /argument 1 of clone|a stack/);
    refuses((p) => p.call("clone", [SIGCHLD, p.buffer(64), 0, 0, 0]), /a stack/);
    refuses((p) => p.call("clone", [p.flags("CLONE_PIDFD"), 0, 0, 0, 0]), /nowhere to put the pidfd/);
  });

  test("clone3: the same, and nothing writes it later", () => {
    const clone3 =
      (values: Parameters<typeof cloneArguments>[1], size = CLONE_ARGS.size) =>
      (p: ProgramBuilder) =>
        p.call("clone3", [cloneArguments(p, values), size]);
    accepts((p) => clone3({ flags: p.flags("CLONE_NEWPID|CLONE_PIDFD"), pidfd: p.buffer(4), exit_signal: SIGCHLD })(p));
    accepts(clone3({ exit_signal: SIGCHLD }, 64));
    refuses(clone3({ flags: 0x100n }), /share memory/);
    refuses(clone3({ stack: 4096n }), /stack is set/);
    refuses((p) => clone3({ stack: p.buffer(8) })(p), /stack is set/);
    refuses((p) => clone3({ child_tid: p.buffer(8) })(p), /child_tid is set/);
    refuses(clone3({ tls: 1n }), /tls is set/);
    refuses(clone3({ pidfd: BigInt(SLOTS_ADDRESS) }), /pidfd is no pointer/);
    refuses((p) => p.call("clone3", [REQUEST_ADDRESS, CLONE_ARGS.size]), /no structure of its own/);
    refuses((p) => p.call("clone3", [cloneArguments(p, {}), p.slot("size")]), /size is not known/);
    for (const field of ["flags", "stack", "pidfd"] as const) {
      refuses((p) => {
        const args = cloneArguments(p, {});
        p.store(args.at(CLONE_ARGS.fields[field].offset), 8, p.slot("value"));
        p.call("clone3", [args, CLONE_ARGS.size]);
      }, /may write to/);
    }
    accepts((p) => {
      const args = cloneArguments(p, { flags: p.flags("CLONE_INTO_CGROUP") });
      p.store(args.at(CLONE_ARGS.fields.cgroup.offset), 8, p.slot("cgroup"));
      p.call("clone3", [args, CLONE_ARGS.size]);
    });
  });

  test("rt_sigaction: signals are ignored or have their default, never a handler", () => {
    const act = (handler: bigint | Pointer) => (p: ProgramBuilder) =>
      p.call("rt_sigaction", [SIGCHLD, p.struct(SIGACTION, { handler: handler as bigint }), p.buffer(32), 8]);
    accepts(act(0n));
    accepts(act(1n));
    refuses(act(2n), /no signal handlers/);
    refuses(act(BigInt(TEXT_ADDRESS)), /no signal handlers/);
    refuses((p) => act(p.buffer(8))(p), /no signal handlers/);
    refuses((p) => {
      const action = p.struct(SIGACTION, {});
      p.call("rt_sigaction", [SIGCHLD, action, 0, 8]);
      p.call("read", [0, action, SIGACTION.size]);
    }, /may write to/);
  });

  test("messages: buffers are objects, and stay what they are", () => {
    const message = (p: ProgramBuilder, base: bigint | Pointer, length = 8): { msg: Pointer; iov: Pointer } => {
      const iov = p.struct(IOVEC, { iov_base: base, iov_len: length });
      return {
        iov,
        msg: p.struct(MSGHDR, { msg_iov: iov, msg_iovlen: 1, msg_control: p.buffer(24), msg_controllen: 24 }),
      };
    };
    for (const name of ["sendmsg", "recvmsg"] as const) {
      accepts((p) => p.call(name, [3, message(p, p.buffer(8)).msg, 0]));
      accepts((p) => p.call(name, [3, message(p, BigInt(REQUEST_ADDRESS)).msg, 0]));
      refuses((p) => p.call(name, [3, message(p, BigInt(SLOTS_ADDRESS)).msg, 0]), /buffer is no pointer/);
      refuses((p) => p.call(name, [3, p.struct(MSGHDR, { msg_iov: 4096n, msg_iovlen: 1 }), 0]), /vector is no pointer/);
      refuses((p) => p.call(name, [3, p.struct(MSGHDR, { msg_control: 4096n }), 0]), /control is no pointer/);
      refuses((p) => p.call(name, [3, p.struct(MSGHDR, { msg_iovlen: 1025 }), 0]), /too many buffers/);
      refuses((p) => {
        const { msg, iov } = message(p, p.buffer(8));
        p.store(iov, 8, p.slot("address"));
        p.call(name, [3, msg, 0]);
      }, /may write to/);
      refuses((p) => {
        const { msg } = message(p, p.buffer(8));
        p.store(msg, 1, 1, p.slot("offset"));
        p.call(name, [3, msg, 0]);
      }, /may write to/);
    }
    refuses((p) => p.call("recvmsg", [3, message(p, BigInt(REQUEST_ADDRESS)).msg, 0]), /no pointer/, REQUEST_ADDRESS);
    refuses((p) => {
      const buffer = p.buffer(8);
      p.call("recvmsg", [3, message(p, buffer, 64).msg, 0]);
    }, /may write to/);
    accepts((p) => {
      const { msg } = message(p, p.buffer(8));
      p.store(msg.at(MSGHDR.fields.msg_controllen.offset), 8, 24);
      p.call("recvmsg", [3, msg, 0]);
    });
    for (const length of [25, "slot"] as const) {
      refuses((p) => {
        const { msg } = message(p, p.buffer(8));
        p.store(msg.at(MSGHDR.fields.msg_controllen.offset), 8, length === "slot" ? p.slot("length") : length);
        p.call("recvmsg", [3, msg, 0]);
      }, /may write to/);
    }
  });

  test("a length that is only known at run time reaches everything behind its object", () => {
    const actAndRead = (before: boolean) => (p: ProgramBuilder) => {
      const early = p.buffer(8);
      const action = p.struct(SIGACTION, {});
      const late = p.buffer(8);
      p.call("rt_sigaction", [SIGCHLD, action, 0, 8]);
      p.call("read", [0, before ? early : late, p.slot("length")]);
    };
    accepts(actAndRead(false));
    refuses(actAndRead(true), /may write to/);
  });

  test("what the kernel writes through a structure counts as written", () => {
    const ignore = (p: ProgramBuilder): Pointer => {
      const action = p.struct(SIGACTION, {});
      p.call("rt_sigaction", [SIGCHLD, action, 0, 8]);
      return action;
    };
    refuses((p) => p.call("clone3", [cloneArguments(p, { pidfd: ignore(p) }), CLONE_ARGS.size]), /may write to/);
    const receive = (length: number) => (p: ProgramBuilder) => {
      const control = p.buffer(24);
      ignore(p);
      p.call("recvmsg", [3, p.struct(MSGHDR, { msg_control: control, msg_controllen: length }), 0]);
    };
    accepts(receive(24));
    refuses(receive(25), /may write to/);
    refuses((p) => p.call("recvmsg", [3, p.struct(MSGHDR, { msg_name: ignore(p) }), 0]), /may write to/);
  });

  test("an address across the edge of a field is none", () => {
    const program = build((p) => p.call("rt_sigaction", [SIGCHLD, p.struct(SIGACTION, {}), 0, 8]));
    for (const at of [1, 7]) refuses({ ...program, relocations: [{ at, to: 0 }] }, /no signal handlers/);
    verifyProgram({ ...program, relocations: [{ at: 8, to: 0 }] });
  });

  test("bpf: no number that is an address", () => {
    accepts((p) => p.call("bpf", [5, p.buffer(48), 48]));
    refuses((p) => {
      const attributes = Buffer.alloc(48);
      attributes.writeBigUInt64LE(BigInt(SLOTS_ADDRESS), 32);
      p.call("bpf", [5, p.bytes(attributes), 48]);
    }, /a number where an object's address belongs/);
  });
});

function cloneArguments(
  p: ProgramBuilder,
  values: Parameters<typeof p.struct<keyof typeof CLONE_ARGS.fields>>[1],
): Pointer {
  return p.struct(CLONE_ARGS, values);
}

describe("the process's arguments", () => {
  test("may be read by the kernel, from the machine's slot and what is added to it", () => {
    accepts((p) => p.call("write", [1, p.stack, 8]));
    accepts((p) => {
      const argv = p.slot("argv");
      p.add(argv, p.stack, 8);
      p.call("execve", [p.text("/x"), argv, argv]);
    });
  });

  test("are neither written, nor anywhere else", () => {
    refuses((p) => p.call("read", [0, p.stack, 8]), /write to a computed address/);
    refuses((p) => p.call("execve", [p.text("/x"), p.slot("argv"), p.vector([])]), /not a pointer/);
    refuses((p) => {
      p.set(p.stack, 8);
      p.call("write", [1, p.stack, 8]);
    }, /holds no address/);
    refuses((p) => {
      p.call("getpid", [], { into: p.slot("argv") });
      p.add(p.slot("argv"), p.stack, 8);
      p.call("execve", [p.text("/x"), p.slot("argv"), p.vector([])]);
    }, /not a pointer/);
  });
});

describe("the verifier", () => {
  test("accepts the zygote's own programs", () => {
    for (const architecture of ["x86_64", "aarch64"] as const) {
      verifyProgram(sealProgram(architecture, 1000), { loadAddress: BOOT_ADDRESS });
      verifyProgram(zygoteProgram(architecture, Buffer.alloc(TOKEN_BYTES)), { loadAddress: BOOT_ADDRESS });
    }
  });

  test("accepts any program or refuses it as our mistake, and what it accepts can be encoded", () => {
    const seeds = SEED === undefined ? Array.from({ length: FUZZ_RUNS }, (_, index) => index) : [Number(SEED)];
    let accepted = 0;
    for (const seed of seeds) {
      const random = new Random(seed);
      let program = randomProgram(random, random.pick(["x86_64", "aarch64"]));
      for (let count = random.below(3); count > 0; count--) program = mutateProgram(program, random);
      if (isAccepted(program, seed)) accepted++;
    }
    if (SEED !== undefined) return;
    assert.ok(accepted > FUZZ_RUNS / 20 && accepted < FUZZ_RUNS, `${accepted} of ${FUZZ_RUNS} accepted`);
  });
});

function isAccepted(program: Program, seed: number): boolean {
  try {
    verifyProgram(program);
  } catch (error) {
    assert.ok(error instanceof OrlopError && error.code === "internal", `${error} with ORLOP_FUZZ_SEED=${seed}`);
    return false;
  }
  assert.doesNotThrow(() => encodeProgram(program, { loadAddress: BOOT_ADDRESS }), `ORLOP_FUZZ_SEED=${seed}`);
  return true;
}
