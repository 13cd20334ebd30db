import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { Architecture } from "../abi/architecture.ts";
import { errnoNumber } from "../abi/errno.ts";
import { SIGACTION } from "../abi/structs.ts";
import { syscallNumber } from "../abi/syscalls.ts";
import type { CallOptions, ProgramBuilder, Value } from "../program/builder.ts";
import { type Condition, FIELDS, type Slot } from "../program/instruction.ts";
import { encodeProgram, HEADER, HEADER_BYTES, MACHINE_VERSION, type Program } from "../program/program.ts";
import { buildProgram, TestMachine } from "./machine-fixture.ts";
import { BOOT_ADDRESS, BOOT_MAX_BYTES, MACHINE_REFUSED_STATUS, REQUEST_ADDRESS } from "./memory-layout.ts";

const [STDIN, STDOUT] = [0, 1];
const BAD_FD = 1000;
const MAX_U64 = 2n ** 64n - 1n;
const SIGCHLD = 17;
/** More than the image of a test program, less than the area. */
const OVERRUN_BYTES = 4096;

/** Writes the values to standard output, 8 bytes each. */
function emitOutput(p: ProgramBuilder, ...values: Value[]): void {
  const buffer = p.buffer(8 * values.length, "<output>");
  for (const [index, value] of values.entries()) p.store(buffer.at(8 * index), 8, value);
  p.call("write", [STDOUT, buffer, buffer.length]);
}

/** What {@link emitOutput} wrote, as unsigned integers. */
function outputOf({ output }: { output: Buffer }): bigint[] {
  return Array.from({ length: output.length / 8 }, (_, index) => output.readBigUInt64LE(8 * index));
}

/** Fails with EBADF, always. */
function emitFailure(p: ProgramBuilder, options: CallOptions = {}): void {
  p.call("close", [BAD_FD], options);
}

function exit(p: ProgramBuilder, status: Value): void {
  p.call("exit_group", [status]);
}

function describeMachine(architecture: Architecture, body: (machine: TestMachine) => void): void {
  describe(`the machine on ${architecture}`, () => {
    const machine = TestMachine.find(architecture);
    if (typeof machine === "string") {
      test("executes programs", { skip: machine }, () => {});
      return;
    }
    after(() => machine[Symbol.dispose]());
    body(machine);
  });
}

for (const architecture of ["x86_64", "aarch64"] as const) {
  describeMachine(architecture, (machine) => {
    describe("operands", () => testOperands(machine));
    describe("control", () => testControl(machine));
    describe("branches", () => testBranches(machine));
    describe("memory", () => testMemory(machine));
    describe("structures", () => testStructures(machine));
    describe("start", () => testStart(machine));
    describe("arithmetic", () => testArithmetic(machine));
    describe("errors", () => testErrors(machine));
    describe("handlers", () => testHandlers(machine));
    describe("programs", () => testPrograms(machine));
    describe("refusals", () => testRefusals(machine));
  });
}

function testOperands(machine: TestMachine): void {
  test("takes immediates, pointers and slots, and stores results", () => {
    const run = machine.run((p) => {
      const written = p.slot("written");
      p.call("write", [STDOUT, p.text("hello"), 5], { into: written });
      emitOutput(p, written);
      exit(p, 42);
    });
    assert.equal(run.status, 42);
    assert.equal(run.output.subarray(0, 5).toString(), "hello");
    assert.equal(run.output.readBigUInt64LE(5), 5n);
  });

  test("passes six arguments in their order", () => {
    const run = machine.run((p) => {
      const [file, pair, read, write] = [p.slot("file"), p.buffer(8), p.slot("read"), p.slot("write")];
      const offset = p.bytes(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
      const done = p.label("done");
      p.call("openat", [p.flags("AT_FDCWD"), p.text("/proc/self/exe"), 0, 0], { into: file });
      p.call("pipe2", [pair, 0]);
      p.load(read, pair, 4);
      p.load(write, pair.at(4), 4);
      p.call("splice", [file, offset, write, 0, 3, 0]);
      const buffer = p.buffer(8);
      p.call("read", [read, buffer, 8]);
      p.call("write", [STDOUT, buffer, 3]);
      p.call("splice", [file, offset, write, 0, 3, 0x1000], { on: ["EINVAL"], goto: done });
      exit(p, 1);
      p.mark(done);
      exit(p, 0);
    });
    assert.deepEqual({ status: run.status, output: run.output.toString() }, { status: 0, output: "ELF" });
  });

  test("begins with all slots but that one zero", () => {
    const run = machine.run((p) => {
      const slots = Array.from({ length: 251 }, (_, index) => p.slot(`slot ${index}`));
      emitOutput(p, ...slots);
      exit(p, 0);
    });
    assert.equal(run.status, 0);
    assert.deepEqual(outputOf(run), new Array(251).fill(0n));
  });

  test("keeps all 255 slots apart", () => {
    const run = machine.run((p) => {
      const slots = Array.from({ length: 251 }, (_, index) => p.slot(`slot ${index}`));
      for (const [index, slot] of slots.entries()) p.set(slot, index + 1);
      emitOutput(p, ...slots);
      exit(p, 0);
    });
    assert.deepEqual(
      outputOf(run),
      Array.from({ length: 251 }, (_, index) => BigInt(index + 1)),
    );
  });
}

function testStart(machine: TestMachine): void {
  test("executes the program that its file brings along, image and all", () => {
    const program = buildProgram(machine.architecture, (p) => {
      p.call("write", [1, p.bytes(Buffer.from("inside")), 6]);
      exit(p, 9);
    });
    const { status, output } = machine.runInside(program);
    assert.deepEqual([status, output.toString()], [9, "inside"]);
  });

  test("finds the address of its arguments in a slot", () => {
    const run = machine.run((p) => {
      const [out, into] = [p.slot("copy_out"), p.slot("copy_in")];
      const pipe = p.buffer(8);
      const count = p.buffer(8);
      p.call("pipe2", [pipe, 0]);
      p.load(out, pipe, 4);
      p.load(into, pipe.at(4), 4);
      p.call("write", [into, p.stack, 8]);
      p.call("read", [out, count, 8]);
      p.call("write", [1, count, 8]);
      exit(p, 0);
    });
    assert.deepEqual(outputOf(run), [1n]);
  });
}

function testControl(machine: TestMachine): void {
  test("jumps forwards and backwards", () => {
    const run = machine.run((p) => {
      const [first, second, third] = [p.label("first"), p.label("second"), p.label("third")];
      p.jump(second);
      p.mark(first);
      p.call("write", [STDOUT, p.text("b"), 1]);
      p.jump(third);
      p.mark(second);
      p.call("write", [STDOUT, p.text("a"), 1]);
      p.jump(first);
      p.mark(third);
      exit(p, 0);
    });
    assert.deepEqual({ status: run.status, output: run.output.toString() }, { status: 0, output: "ab" });
  });

  test("loops as often as told", () => {
    const run = machine.run((p) => {
      const count = p.slot("count");
      const again = p.label("again");
      p.mark(again);
      p.add(count, count, 1);
      p.branch(count, "lt", 100_000, again);
      emitOutput(p, count);
      exit(p, 0);
    });
    assert.deepEqual(outputOf(run), [100_000n]);
  });

  test("forks into two processes with a memory each", () => {
    const run = machine.run((p) => {
      const [child, status] = [p.slot("child"), p.slot("status")];
      const [parent, word] = [p.label("parent"), p.buffer(8)];
      p.call("clone", [p.number(SIGCHLD), 0, 0, 0, 0], { into: child });
      p.branch(child, "ne", 0, parent);
      p.store(word, 8, 99);
      exit(p, 7);
      p.mark(parent);
      p.call("wait4", [child, word.at(4, 4), 0, 0]);
      p.load(status, word.at(4), 4);
      p.load(child, word, 4);
      emitOutput(p, status, child);
      exit(p, 0);
    });
    assert.deepEqual(outputOf(run), [7n << 8n, 0n]);
  });
}

function testBranches(machine: TestMachine): void {
  const cases: readonly (readonly [bigint, bigint])[] = [
    [0n, 0n],
    [0n, 1n],
    [1n, 0n],
    [MAX_U64, 1n],
    [1n, MAX_U64],
    [MAX_U64, MAX_U64],
    [2n ** 63n, 2n ** 63n - 1n],
    [2n ** 32n, 0n],
  ];
  const expected: Readonly<Record<Condition, (a: bigint, b: bigint) => boolean>> = {
    eq: (a, b) => a === b,
    ne: (a, b) => a !== b,
    lt: (a, b) => a < b,
    ge: (a, b) => a >= b,
  };
  for (const [condition, holds] of Object.entries(expected) as [Condition, (a: bigint, b: bigint) => boolean][]) {
    test(`branches on ${condition} of unsigned 64-bit values`, () => {
      const run = machine.run((p) => {
        const taken = cases.map(([a, b], index) => {
          const slot = p.slot(`case ${index}`);
          const [yes, next] = [p.label("yes"), p.label("next")];
          p.branch(a, condition, b, yes);
          p.jump(next);
          p.mark(yes);
          p.set(slot, 1);
          p.mark(next);
          return slot;
        });
        emitOutput(p, ...taken);
        exit(p, 0);
      });
      assert.deepEqual(
        outputOf(run),
        cases.map(([a, b]) => (holds(a, b) ? 1n : 0n)),
      );
    });
  }
}

const bytes = Buffer.from("f1e2d3c4b5a69788f7e6d5c4b3a29180", "hex");

function testAccess(machine: TestMachine, width: 1 | 2 | 4 | 8): void {
  test(`loads ${8 * width} bits, zero-extended, from any offset`, () => {
    const run = machine.run((p) => {
      const [object, offset] = [p.bytes(bytes), p.slot("offset")];
      const values = [0, 3, 16 - width].map((at, index) => {
        const slot = p.slot(`value ${index}`);
        p.set(slot, MAX_U64);
        p.set(offset, at);
        p.load(slot, object, width, index === 1 ? offset : at);
        return slot;
      });
      emitOutput(p, ...values);
      exit(p, 0);
    });
    const at = (offset: number): bigint =>
      BigInt.asUintN(8 * width, Buffer.concat([bytes, Buffer.alloc(8)]).readBigUInt64LE(offset));
    assert.deepEqual(outputOf(run), [at(0), at(3), at(16 - width)]);
  });

  test(`stores ${8 * width} bits and nothing beside them`, () => {
    const run = machine.run((p) => {
      const [object, offset, value] = [p.bytes(bytes), p.slot("offset"), p.slot("value")];
      p.set(offset, 5);
      p.set(value, 0x1122334455667788n);
      p.store(object, width, value, offset);
      p.call("write", [STDOUT, object, bytes.length]);
      exit(p, 0);
    });
    const expected = Buffer.from(bytes);
    Buffer.from("8877665544332211", "hex").copy(expected, 5, 0, width);
    assert.deepEqual(run.output, expected);
  });

  for (const op of ["load", "store"] as const) {
    test(`fails a ${op} of ${8 * width} bits that leaves its object with EFAULT, and touches nothing`, () => {
      const run = machine.run((p) => {
        const [before, object, beyond] = [p.bytes(bytes), p.buffer(16), p.bytes(bytes)];
        const [offset, value] = [p.slot("offset"), p.slot("value")];
        p.set(value, 77);
        for (const bad of [BigInt(16 - width + 1), 24n, 2n ** 32n, MAX_U64, MAX_U64 - 7n]) {
          const [ok, handler] = [p.label("ok"), p.label("handler")];
          p.handler(handler);
          p.set(offset, bad);
          if (op === "load") p.load(value, object, width, offset);
          else p.store(object, width, MAX_U64, offset);
          exit(p, 1);
          p.mark(handler);
          p.branch(p.failedErrno, "eq", errnoNumber("EFAULT"), ok);
          exit(p, 2);
          p.mark(ok);
        }
        for (const each of [before, object, beyond]) p.call("write", [STDOUT, each, 16]);
        emitOutput(p, value);
        exit(p, 0);
      });
      assert.equal(run.status, 0);
      const value = Buffer.from([77, 0, 0, 0, 0, 0, 0, 0]);
      assert.deepEqual(run.output, Buffer.concat([bytes, Buffer.alloc(16), bytes, value]));
    });
  }
}

function testMemory(machine: TestMachine): void {
  for (const width of [1, 2, 4, 8] as const) testAccess(machine, width);

  test("survives a kernel write that runs over its object, because a program's image comes last", () => {
    const run = machine.run(
      (p) => {
        const [length, inside, across] = [p.slot("length"), p.slot("inside"), p.slot("across")];
        const buffer = p.buffer(16);
        const text = p.bytes(Buffer.from("lost"));
        p.set(length, OVERRUN_BYTES);
        p.call("read", [STDIN, buffer, length], { into: inside });
        p.call("write", [STDOUT, text, 4]);
        // The kernel copies what fits before the end of the area, or nothing.
        p.set(length, 2 * BOOT_MAX_BYTES);
        p.call("read", [STDIN, buffer, length], { into: across, ignore: ["EFAULT"] });
        emitOutput(p, inside, across, p.slot("never written"));
        exit(p, 5);
      },
      { input: Buffer.alloc(4 * BOOT_MAX_BYTES, 0xff) },
    );
    assert.equal(run.status, 5);
    assert.deepEqual(run.output.subarray(0, 4), Buffer.alloc(4, 0xff));
    const [inside, across, slot] = outputOf({ output: run.output.subarray(4) });
    assert.deepEqual([inside, slot], [BigInt(OVERRUN_BYTES), 0n]);
    const fault = BigInt.asUintN(64, BigInt(-errnoNumber("EFAULT")));
    assert.ok(across === fault || (across !== undefined && across < BigInt(BOOT_MAX_BYTES)), `${across}`);
  });
}

function testStructures(machine: TestMachine): void {
  test("finds the signal mask where the table of structures says, on this architecture too", () => {
    const [SIGUSR1, mask] = [10, 0xf000n];
    const run = machine.run((p) => {
      const before = p.bytes(Buffer.alloc(SIGACTION.size, 0xaa));
      p.call("rt_sigaction", [SIGUSR1, p.struct(SIGACTION, { handler: 1, mask }), 0, 8]);
      p.call("rt_sigaction", [SIGUSR1, 0, before, 8]);
      p.call("write", [STDOUT, before, SIGACTION.size]);
      exit(p, 0);
    });
    const { handler, mask: place } = SIGACTION.fields;
    assert.equal(run.output.readBigUInt64LE(handler.offset), 1n);
    assert.equal(run.output.readBigUInt64LE(place.offset), mask);
  });
}

function testArithmetic(machine: TestMachine): void {
  test("adds modulo 2^64 and masks, and takes no sum for an errno", () => {
    const run = machine.run((p) => {
      const cases: [(into: Slot) => void, string][] = [
        [(into) => p.add(into, 40, 2), "sum"],
        [(into) => p.add(into, MAX_U64, 3), "wrapped"],
        [(into) => p.add(into, 5, -7), "negative"],
        [(into) => p.and(into, 0xff00ff00ff00ff00n, 0x0ff00ff00ff00ff0n), "masked"],
        [(into) => p.and(into, -2, -1), "negative mask"],
      ];
      const slots = cases.map(([emit, name]) => {
        const slot = p.slot(name);
        emit(slot);
        return slot;
      });
      emitOutput(p, ...slots);
      exit(p, 0);
    });
    const masked = 0xff00ff00ff00ff00n & 0x0ff00ff00ff00ff0n;
    assert.deepEqual(outputOf(run), [42n, 2n, MAX_U64 - 1n, masked, MAX_U64 - 1n]);
  });

  test("loads the bytes of an errno without failing", () => {
    const run = machine.run((p) => {
      const value = p.slot("value");
      p.load(value, p.bytes(Buffer.alloc(8, 0xff)), 8);
      emitOutput(p, value);
      exit(p, 0);
    });
    assert.deepEqual({ status: run.status, output: outputOf(run) }, { status: 0, output: [MAX_U64] });
  });

  test("gives a pointer its absolute address", () => {
    const run = machine.run((p) => {
      const [address, text] = [p.slot("address"), p.text("right here")];
      p.add(address, text, 6);
      p.call("write", [STDOUT, address, 4]);
      exit(p, 0);
    });
    assert.equal(run.output.toString(), "here");
  });
}

function testErrors(machine: TestMachine): void {
  const lists: readonly (readonly string[])[] = [
    ["EBADF"],
    ["EPERM", "EBADF"],
    ["EPERM", "ENOENT", "EBADF"],
    ["EPERM", "ENOENT", "EIO", "EBADF"],
  ];
  for (const on of lists) {
    test(`goes to the target on the last errno of a list of ${on.length}`, () => {
      const run = machine.run((p) => {
        const [found, result] = [p.label("found"), p.slot("result")];
        emitFailure(p, { on, goto: found, into: result });
        exit(p, 1);
        p.mark(found);
        emitOutput(p, result);
        exit(p, 0);
      });
      assert.equal(run.status, 0);
      assert.deepEqual(outputOf(run), [BigInt.asUintN(64, BigInt(-errnoNumber("EBADF")))]);
    });
  }

  test("fails on an errno that is not in the list", () => {
    const run = machine.run((p) => {
      const elsewhere = p.label("elsewhere");
      emitFailure(p, { on: ["EPERM", "ENOENT", "EIO", "EACCES"], goto: elsewhere });
      p.mark(elsewhere);
      exit(p, 1);
    });
    assert.equal(run.status, MACHINE_REFUSED_STATUS);
  });

  for (const ignore of [["EBADF"], "any"] as const) {
    test(`goes on when ${ignore === "any" ? "every errno" : ignore.join()} is ignored`, () => {
      const run = machine.run((p) => {
        emitFailure(p, { ignore });
        exit(p, 0);
      });
      assert.equal(run.status, 0);
    });
  }

  test("goes to the target on any errno", () => {
    const run = machine.run((p) => {
      const found = p.label("found");
      emitFailure(p, { on: "any", goto: found });
      exit(p, 1);
      p.mark(found);
      exit(p, 0);
    });
    assert.equal(run.status, 0);
  });
}

function testHandlers(machine: TestMachine): void {
  test("tells the handler which instruction failed with what", () => {
    const run = machine.run((p) => {
      const handler = p.label("handler");
      p.handler(handler);
      p.set(p.slot("filler"), 1);
      emitFailure(p);
      exit(p, 1);
      p.mark(handler);
      emitOutput(p, p.failedIndex, p.failedErrno);
      exit(p, 0);
    });
    assert.deepEqual(outputOf(run), [2n, BigInt(errnoNumber("EBADF"))]);
  });

  test("gives `fail` to the handler like an errno of the kernel", () => {
    const run = machine.run((p) => {
      const handler = p.label("handler");
      p.handler(handler);
      p.fail("EOWNERDEAD");
      p.mark(handler);
      emitOutput(p, p.failedIndex, p.failedErrno);
      exit(p, 0);
    });
    assert.deepEqual(outputOf(run), [1n, BigInt(errnoNumber("EOWNERDEAD"))]);
  });

  test("clears the handler when it is used, so that a failing handler ends the machine", () => {
    const run = machine.run((p) => {
      const handler = p.label("handler");
      p.handler(handler);
      p.mark(handler);
      p.call("write", [STDOUT, p.text("."), 1]);
      p.fail("EPERM");
    });
    assert.deepEqual([run.status, run.output.toString()], [MACHINE_REFUSED_STATUS, ".."]);
  });

  test("lets a later handler replace an earlier one", () => {
    const run = machine.run((p) => {
      const [early, late] = [p.label("early"), p.label("late")];
      p.handler(early);
      p.handler(late);
      emitFailure(p);
      p.mark(early);
      exit(p, 1);
      p.mark(late);
      exit(p, 0);
    });
    assert.equal(run.status, 0);
  });

  test("leaves with the refusal's status when a call fails without a handler", () => {
    const run = machine.run((p) => {
      emitFailure(p);
      exit(p, 0);
    });
    assert.equal(run.status, MACHINE_REFUSED_STATUS);
  });
}

function testPrograms(machine: TestMachine): void {
  const { architecture } = machine;

  /** Reads the request program from descriptor 0 and goes over to it. */
  function runBoth(emitBoot: (p: ProgramBuilder) => void, request: Program): ReturnType<TestMachine["run"]> {
    const input = encodeProgram(request, { loadAddress: REQUEST_ADDRESS });
    return machine.run(
      (p) => {
        const got = p.slot("got");
        p.call("read", [STDIN, p.number(REQUEST_ADDRESS), input.length], { into: got });
        emitBoot(p);
        p.enter(REQUEST_ADDRESS);
      },
      { input },
    );
  }

  test("enters the request program, whose pointers are its own and whose slots are the same", () => {
    const request = buildProgram(architecture, (p) => {
      p.call("write", [STDOUT, p.text("request"), 7]);
      p.load(p.slot("a"), p.vector(["x"]), 8);
      p.call("write", [STDOUT, p.text("!"), 1]);
      emitOutput(p, p.request);
      exit(p, 3);
    });
    const run = runBoth((p) => p.set(p.request, 4711), request);
    assert.equal(run.status, 3);
    assert.equal(run.output.subarray(0, 8).toString(), "request!");
    assert.equal(run.output.readBigUInt64LE(8), 4711n);
  });

  test("forgets the handler of the program it leaves", () => {
    const request = buildProgram(architecture, (p) => {
      emitFailure(p);
      exit(p, 0);
    });
    const run = runBoth((p) => {
      const [handler, over] = [p.label("handler"), p.label("over")];
      p.handler(handler);
      p.jump(over);
      p.mark(handler);
      exit(p, 1);
      p.mark(over);
    }, request);
    assert.equal(run.status, MACHINE_REFUSED_STATUS);
  });

  test("enters its own program again from the start", () => {
    const run = machine.run((p) => {
      const [count, done] = [p.slot("count"), p.label("done")];
      p.add(count, count, 1);
      p.branch(count, "eq", 3, done);
      p.enter(BOOT_ADDRESS);
      p.mark(done);
      emitOutput(p, count);
      exit(p, 0);
    });
    assert.deepEqual(outputOf(run), [3n]);
  });

  test("refuses to enter an area that nothing was read into", () => {
    const run = machine.run((p) => p.enter(REQUEST_ADDRESS));
    assert.equal(run.status, MACHINE_REFUSED_STATUS);
  });

  test("does not give up when the read of its program is interrupted", () => {
    const program = encodeProgram(
      buildProgram(architecture, (p) => exit(p, 21)),
      { loadAddress: BOOT_ADDRESS },
    );
    const run = machine.run((p) => emitInterruptedBoot(p, machine.command, program));
    assert.equal(run.status, 21);
  });
}

/**
 * Starts a second machine on a socket with a receive time-out, whose read is then interrupted by being stopped and
 * continued (signal(7), "Interruption of system calls by stop signals"): the only EINTR without a signal handler.
 */
function emitInterruptedBoot(p: ProgramBuilder, command: readonly [string, ...string[]], program: Buffer): void {
  const [SIGSTOP, SIGCONT, SO_RCVTIMEO, WUNTRACED] = [19, 18, 20, 2];
  const pair = p.buffer(8);
  const [near, far, child, status] = [p.slot("near"), p.slot("far"), p.slot("child"), p.slot("status")];
  const [parent, word] = [p.label("parent"), p.buffer(4)];
  const pause = p.bytes(Buffer.from(new BigUint64Array([0n, 50_000_000n]).buffer), "<50 ms>");
  const timeout = p.bytes(Buffer.from(new BigUint64Array([3600n, 0n]).buffer), "<an hour>");
  const content = p.bytes(program);
  p.call("socketpair", [p.flags("AF_UNIX"), p.flags("SOCK_STREAM"), 0, pair]);
  p.load(near, pair, 4);
  p.load(far, pair.at(4), 4);
  p.call("setsockopt", [far, p.flags("SOL_SOCKET"), SO_RCVTIMEO, timeout, 16]);
  p.call("clone", [p.number(SIGCHLD), 0, 0, 0, 0], { into: child });
  p.branch(child, "ne", 0, parent);
  p.call("close", [near]);
  p.call("dup3", [far, 3, 0], {});
  p.call("execve", [p.text(command[0]), p.vector(command), p.vector([])]);
  p.mark(parent);
  for (const [from, to] of [
    [0, 10],
    [10, HEADER_BYTES + 5],
    [HEADER_BYTES + 5, program.length],
  ] as const) {
    p.call("clock_nanosleep", [p.flags("CLOCK_MONOTONIC"), 0, pause, 0]);
    p.call("kill", [child, SIGSTOP]);
    p.call("wait4", [child, word, WUNTRACED, 0]);
    p.call("kill", [child, SIGCONT]);
    p.call("clock_nanosleep", [p.flags("CLOCK_MONOTONIC"), 0, pause, 0]);
    p.call("write", [near, content.at(from, to - from), to - from]);
  }
  p.call("wait4", [child, word, 0, 0]);
  p.load(status, word.at(1), 1);
  exit(p, status);
}

function testRefusals(machine: TestMachine): void {
  const { architecture } = machine;
  const encode = (): Buffer =>
    encodeProgram(
      buildProgram(architecture, (p) => exit(p, 0)),
      { loadAddress: BOOT_ADDRESS },
    );

  const damages: readonly (readonly [string, (bytes: Buffer) => Buffer | undefined])[] = [
    ["another magic", (bytes) => void bytes.writeUInt8(bytes.readUInt8(HEADER.magic) ^ 1, HEADER.magic)],
    ["a newer version", (bytes) => void bytes.writeUInt32LE(MACHINE_VERSION + 1, HEADER.version)],
    ["version zero", (bytes) => void bytes.writeUInt32LE(0, HEADER.version)],
    ["length zero", (bytes) => void bytes.writeUInt32LE(0, HEADER.length)],
    ["a length of no more than the header", (bytes) => void bytes.writeUInt32LE(HEADER_BYTES, HEADER.length)],
    ["more than the area holds", (bytes) => padded(bytes, BOOT_MAX_BYTES + 1)],
    ["the largest length", (bytes) => padded(bytes, 0xffffffff)],
    ["an unknown op", (bytes) => void bytes.writeUInt8(10, HEADER_BYTES + FIELDS.op)],
    ["the largest op", (bytes) => void bytes.writeUInt8(255, HEADER_BYTES + FIELDS.op)],
    ["nothing at all", () => Buffer.alloc(0)],
    ["half a header", (bytes) => bytes.subarray(0, HEADER_BYTES / 2)],
    ["a header and nothing else", (bytes) => bytes.subarray(0, HEADER_BYTES)],
    ["all but the last byte", (bytes) => bytes.subarray(0, -1)],
  ];
  function padded(bytes: Buffer, length: number): Buffer {
    bytes.writeUInt32LE(length, HEADER.length);
    return Buffer.concat([bytes, Buffer.alloc(BOOT_MAX_BYTES)]);
  }

  test("executes the program that the refusals damage", () => {
    assert.equal(machine.runBytes(encode()).status, 0);
  });

  test("executes a program that fills its area to the last byte", () => {
    const bytes = encode();
    bytes.writeUInt32LE(BOOT_MAX_BYTES, HEADER.length);
    assert.equal(machine.runBytes(Buffer.concat([bytes, Buffer.alloc(BOOT_MAX_BYTES)])).status, 0);
  });

  for (const [name, damage] of damages) {
    test(`refuses ${name}`, () => {
      const bytes = encode();
      const run = machine.runBytes(damage(bytes) ?? bytes);
      assert.deepEqual([run.status, run.signal], [MACHINE_REFUSED_STATUS, null]);
    });
  }

  test("reports a system call that the kernel does not have as ENOSYS", () => {
    const program = buildProgram(architecture, (p) => {
      const handler = p.label("handler");
      p.handler(handler);
      p.call("getuid", []);
      p.mark(handler);
      exit(p, p.failedErrno);
    });
    const bytes = encodeProgram(program, { loadAddress: BOOT_ADDRESS });
    const at = HEADER_BYTES + 64 + FIELDS.number;
    assert.equal(bytes.readUInt16LE(at), syscallNumber("getuid", architecture));
    bytes.writeUInt16LE(0xfff0, at);
    assert.equal(machine.runBytes(bytes).status, errnoNumber("ENOSYS"));
  });
}
