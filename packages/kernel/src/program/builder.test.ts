import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProgramBuilder } from "./builder.ts";
import {
  FAILED_ERRNO_SLOT,
  FAILED_INDEX_SLOT,
  Immediate,
  Pointer,
  REQUEST_SLOT,
  SLOT_COUNT,
  Slot,
  STACK_SLOT,
} from "./instruction.ts";
import type { Program } from "./program.ts";
import { structLayout } from "./struct-layout.ts";

function builder(): ProgramBuilder {
  const p = new ProgramBuilder("x86_64");
  p.step({ action: "test the builder" });
  return p;
}

/** What stands in the image where `pointer` points. */
function content({ image }: Program, { offset, length }: Pointer): Buffer {
  return Buffer.from(image.subarray(offset, offset + length));
}

test("an instruction that ignores no errno is like one that says nothing of errnos", () => {
  const [silent, none] = [{}, { ignore: [] }].map((options) => {
    const p = builder();
    p.call("getpid", [], options);
    return p.build();
  });
  assert.deepEqual(none?.instructions, silent?.instructions);
});

describe("values", () => {
  test("flags are joined and keep their text", () => {
    const p = builder();
    const flags = p.flags("O_RDWR|O_CLOEXEC");
    assert.deepEqual([flags.value, flags.show], [0o2000002n, "O_RDWR|O_CLOEXEC"]);
    assert.deepEqual([p.flags("").value, p.flags("").show], [0n, "0"]);
    assert.equal(p.flags("0").value, 0n);
  });

  test("flags have the value of the architecture", () => {
    const value = (architecture: "x86_64" | "aarch64"): bigint =>
      new ProgramBuilder(architecture).flags("O_DIRECTORY").value;
    assert.deepEqual([value("x86_64"), value("aarch64")], [0o200000n, 0o40000n]);
  });

  test("a constant that does not exist is a mistake", () => {
    assert.throws(() => builder().flags("O_RDWR|O_SURE"), /O_SURE/);
    assert.throws(() => builder().flags("toString"), /no constant is called toString/);
  });

  test("negative numbers become 64 bits", () => {
    const p = builder();
    assert.equal(p.number(-1).value, 2n ** 64n - 1n);
    assert.equal(p.flags("AT_FDCWD").value, 2n ** 64n - 100n);
  });

  test("a bare number as an operand becomes an immediate that shows itself", () => {
    const p = builder();
    p.call("exit_group", [-7]);
    const [operand] = p.build().instructions[0]?.operands ?? [];
    assert.ok(operand instanceof Immediate);
    assert.deepEqual([operand.value, operand.show], [2n ** 64n - 7n, "-7"]);
  });
});

describe("slots", () => {
  test("the machine's own come first", () => {
    const p = builder();
    assert.deepEqual(
      [p.failedIndex.index, p.failedErrno.index, p.request.index, p.stack.index],
      [FAILED_INDEX_SLOT, FAILED_ERRNO_SLOT, REQUEST_SLOT, STACK_SLOT],
    );
  });

  test("one name is one slot", () => {
    const p = builder();
    assert.equal(p.slot("fd"), p.slot("fd"));
    assert.notEqual(p.slot("fd").index, p.slot("other").index);
  });

  test("end at the number that the machine has", () => {
    const p = builder();
    for (let index = 4; index < SLOT_COUNT; index++) p.slot(`${index}`);
    assert.equal(p.slot("254").index, 254);
    assert.throws(() => p.slot("one more"), /255 slots/);
  });
});

describe("memory", () => {
  test("strings end in NUL, and equal ones share their place", () => {
    const p = builder();
    const [text, again, other] = [p.text("päth"), p.text("päth"), p.text("p")];
    assert.equal(text, again);
    assert.notEqual(text.offset, other.offset);
    assert.deepEqual(content(p.build(), text), Buffer.from("päth\0"));
  });

  test("a string with a NUL inside is a mistake", () => {
    assert.throws(() => builder().text("/etc\0/passwd"), /NUL/);
  });

  test("objects are aligned to 8 and do not overlap", () => {
    const p = builder();
    const objects = [1, 7, 8, 9, 0, 3].map((length) => p.bytes(Buffer.alloc(length, 0xff)));
    for (const [index, { offset }] of objects.entries()) {
      assert.equal(offset % 8, 0);
      const before = objects[index - 1];
      if (before !== undefined) assert.ok(offset >= before.offset + before.length);
    }
  });

  test("the image grows and keeps what is in it", () => {
    const p = builder();
    const small = p.bytes(Buffer.from("first"));
    const large = p.bytes(Buffer.alloc(100_000, 7));
    const program = p.build();
    assert.deepEqual(content(program, small), Buffer.from("first"));
    assert.deepEqual(content(program, large), Buffer.alloc(100_000, 7));
    assert.equal(program.image.length, large.offset + large.length);
  });

  test("a vector is addresses and a null pointer", () => {
    const p = builder();
    const vector = p.vector(["a", "bc"]);
    const program = p.build();
    assert.deepEqual(
      program.relocations.map(({ at, to }) => [
        at - vector.offset,
        content(program, new Pointer(to, 2, "")).toString(),
      ]),
      [
        [0, "a\0"],
        [8, "bc"],
      ],
    );
    assert.deepEqual(content(program, vector), Buffer.alloc(24));
    assert.equal(vector.show, '["a", "bc"]');
  });

  test("a structure has its fields in place, bytes and addresses among them", () => {
    const p = builder();
    const layout = structLayout("sample", 32, { a: "u16", b: "s32", name: 8, address: "pointer", last: "u64" });
    const target = p.text("x");
    const struct = p.struct(layout, {
      a: 0x1234,
      b: -2,
      name: Buffer.from("lo"),
      address: target,
      last: p.flags("AT_FDCWD"),
    });
    const program = p.build();
    const expected = ["34120000", "feffffff", "6c6f000000000000", "0000000000000000", "9cffffffffffffff"];
    assert.equal(content(program, struct).toString("hex"), expected.join(""));
    assert.deepEqual(program.relocations, [{ at: struct.offset + 16, to: target.offset }]);
  });

  test("a structure shows what is set in it, and nothing that is zero", () => {
    const p = builder();
    const layout = structLayout("sample", 32, { flags: "u64", mode: "u32", name: 4, address: "pointer", last: "u64" });
    const values = { flags: p.flags("O_PATH"), mode: 0, name: Buffer.from("lo"), address: p.text("/x"), last: 0n };
    assert.equal(p.struct(layout, values).show, '{flags=O_PATH, name="lo", address="/x"}');
    assert.equal(p.struct(layout, { name: Buffer.from([1, 2]), last: 7n }).show, "{name=0x0102, last=7}");
    assert.equal(p.struct(layout, {}).show, "{}");
  });

  test("bytes that their field does not hold are a mistake", () => {
    const layout = structLayout("sample", 4, { name: 4 });
    assert.throws(() => builder().struct(layout, { name: Buffer.from("hello") }), /shorter than the bytes/);
  });

  test("a part of an object stays inside it", () => {
    const object = builder().buffer(16, "<object>");
    assert.deepEqual(
      [object.at(4).offset, object.at(4).length, object.at(4).show],
      [object.offset + 4, 12, "<object>+4"],
    );
    assert.equal(object.at(16).length, 0);
    for (const [by, length] of [
      [-1, 1],
      [17, 0],
      [8, 9],
      [0, -1],
    ] as const) {
      assert.throws(() => object.at(by, length), RangeError);
    }
  });
});

describe("instructions", () => {
  test("belong to the step announced last, with the role of its time", () => {
    const p = new ProgramBuilder("x86_64");
    assert.throws(() => p.call("getpid", []), /announce a step/);
    p.role("reaper");
    p.step({ action: "first", field: "a.b", why: "because" });
    p.call("getpid", []);
    p.role("init");
    p.step({ action: "second" });
    p.call("getuid", []);
    p.call("getppid", []);
    const { steps, instructions } = p.build();
    assert.deepEqual(steps, [
      { action: "first", field: "a.b", why: "because", role: "reaper" },
      { action: "second", field: undefined, why: undefined, role: "init" },
    ]);
    assert.deepEqual(
      instructions.map(({ step }) => step),
      [0, 1, 1],
    );
  });

  test("a label stands for the instruction after its mark, before and behind its use", () => {
    const p = builder();
    const [start, end] = [p.label("start"), p.label("end")];
    p.mark(start);
    p.jump(end);
    p.jump(start);
    p.mark(end);
    p.call("getpid", []);
    const targets = p.build().instructions.map(({ target }) => target?.index);
    assert.deepEqual(targets, [2, 0, undefined]);
    assert.throws(() => p.mark(start), /marked twice/);
  });

  test("errno lists come with their target, and `ignore` is a target of its own", () => {
    const p = builder();
    const elsewhere = p.label("elsewhere");
    p.call("close", [9], { ignore: ["EBADF"] });
    p.call("close", [9], { on: ["EBADF", "EIO"], goto: elsewhere });
    p.call("close", [9], { ignore: "any" });
    p.mark(elsewhere);
    assert.deepEqual(
      p.build().instructions.map(({ errnos, target }) => [errnos, target?.index]),
      [
        [[9], 1],
        [[9, 5], 3],
        ["any", 3],
      ],
    );
  });

  test("an errno list that makes no sense is a mistake", () => {
    const p = builder();
    const goto = p.label("there");
    assert.throws(() => p.call("close", [9], { on: ["EBADF"] }), /come together/);
    assert.throws(() => p.call("close", [9], { goto }), /come together/);
    assert.throws(() => p.call("close", [9], { on: ["EIO"], ignore: ["EBADF"], goto }), /exclude each other/);
    assert.throws(() => p.call("close", [9], { ignore: ["EBADF", "EIO", "EINTR", "EPERM", "ENOENT"] }), /at most four/);
    assert.throws(() => p.call("close", [9], { ignore: ["EWHAT"] }), /EWHAT/);
  });

  test("loads and stores are bounded by their object", () => {
    const p = builder();
    const object = p.buffer(16);
    p.load(p.slot("a"), object.at(4), 4, p.slot("offset"));
    p.store(object, 8, 1);
    const bounds = p.build().instructions.map(({ operands }) => operands[2]);
    assert.deepEqual(
      bounds.map((bound) => (bound instanceof Immediate ? bound.value : bound)),
      [8n, 8n],
    );
    assert.throws(() => p.load(p.slot("a"), object.at(10), 8), /shorter/);
    assert.throws(() => p.store(object.at(16), 1, 0), /shorter/);
  });

  test("`set` is an addition of nothing", () => {
    const p = builder();
    p.set(p.slot("a"), p.slot("b"));
    const [{ op, operands, into } = { op: "jump", operands: [], into: undefined }] = p.build().instructions;
    assert.equal(op, "add");
    assert.ok(operands[0] instanceof Slot && operands[1] instanceof Immediate && operands[1].value === 0n);
    assert.equal(into?.name, "a");
  });
});
