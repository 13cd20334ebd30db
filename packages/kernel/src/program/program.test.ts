import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { ProgramBuilder } from "./builder.ts";
import { FIELDS, INSTRUCTION_BYTES, OPS } from "./instruction.ts";
import { encodeProgram, HEADER, HEADER_BYTES, PROGRAM_MAX_BYTES, type Program, TOKEN_BYTES } from "./program.ts";

const LOAD_ADDRESS = 0x40000;

/** The encoding in hexadecimal, a line for each 16 bytes, as `xxd -p -c 16` prints it. */
function hex(bytes: Buffer): string[] {
  return bytes.toString("hex").match(/.{1,32}/g) ?? [];
}

function build(write: (p: ProgramBuilder) => void, architecture: "x86_64" | "aarch64" = "x86_64"): Program {
  const p = new ProgramBuilder(architecture);
  p.step({ action: "test the encoding" });
  write(p);
  return p.build();
}

test("encodes a program as header, instructions and image, byte for byte", () => {
  const program = build((p) => {
    const [fd, again] = [p.slot("fd"), p.label("again")];
    p.mark(again);
    p.call("openat", [p.flags("AT_FDCWD"), p.text("/x"), p.flags("O_CLOEXEC"), 0], {
      into: fd,
      on: ["EINTR", "EAGAIN"],
      goto: again,
    });
    p.call("execve", [p.text("/x"), p.vector(["/x"]), p.vector([])], { ignore: "any" });
    p.fail("ENOENT");
  });
  const token = Buffer.from("000102030405060708090a0b0c0d0e0f", "hex");
  assert.deepEqual(hex(encodeProgram(program, { loadAddress: LOAD_ADDRESS, token, request: 7 })), [
    "4f524c50020000002001000003000000", // magic, version, length 0x120, three instructions
    "07000000000000000001020304050607", // request, zero, token
    "08090a0b0c0d0e0f0000000000000000",
    "00000000000000000000000000000000",
    "00000400010104009cffffffffffffff", // syscall into slot 4, number 257, operand 1 is a pointer; AT_FDCWD
    "00010000000000000000080000000000", // "/x" at 0x100; O_CLOEXEC
    "00000000000000000000000000000000",
    "000000000000000000000000040b0000", // operands 4 and 5, target 0; EINTR, EAGAIN
    "0001ff003b0015000001000000000000", // any errno, no destination, number 59, three pointers
    "08010000000000001801000000000000",
    "00000000000000000000000000000000",
    "00000000000000000200000000000000", // target 2
    "0800ff00000000000200000000000000", // fail with 2
    "00000000000000000000000000000000",
    "00000000000000000000000000000000",
    "00000000000000000000000000000000",
    "2f780000000000000001040000000000", // "/x"; its address 0x40100
    "00000000000000000000000000000000", // the end of the vector; the empty vector
  ]);
});

test("encodes every op by its place in the table, with slots, widths and conditions", () => {
  const program = build((p) => {
    const [a, end] = [p.slot("a"), p.label("end")];
    const object = p.buffer(16);
    p.call("getpid", []);
    p.jump(end);
    p.branch(a, "ge", 5, end);
    p.load(a, object, 2, a);
    p.store(object.at(8), 4, a, 4);
    p.add(a, object, -1);
    p.and(a, a, 0xff);
    p.enter(LOAD_ADDRESS);
    p.fail("EPERM");
    p.mark(end);
    p.handler(end);
    p.jump(end);
  });
  const bytes = encodeProgram(program, { loadAddress: 0 });
  const fields = (index: number): unknown[] => {
    const at = HEADER_BYTES + index * INSTRUCTION_BYTES;
    const operands = [0, 1, 2, 3].map((each) => bytes.readBigUInt64LE(at + FIELDS.operands + 8 * each));
    const tags = bytes.readUInt16LE(at + FIELDS.tags).toString(4);
    const [into, number] = [bytes[at + FIELDS.into], bytes.readUInt16LE(at + FIELDS.number)];
    return [OPS[bytes[at] ?? 99], into, number, tags, operands, bytes.readUInt32LE(at + FIELDS.target)];
  };
  const image = BigInt(HEADER_BYTES + 11 * INSTRUCTION_BYTES);
  const none = [0n, 0n, 0n, 0n];
  assert.deepEqual(
    Array.from({ length: 11 }, (_, index) => fields(index)),
    [
      ["syscall", 255, 39, "0", none, 0],
      ["jump", 255, 0, "0", none, 9],
      ["branch", 255, 3, "2", [4n, 5n, 0n, 0n], 9],
      ["load", 4, 2, "21", [image, 4n, 14n, 0n], 0],
      ["store", 255, 4, "2001", [image + 8n, 4n, 4n, 4n], 0],
      ["add", 4, 0, "1", [image, 2n ** 64n - 1n, 0n, 0n], 0],
      ["and", 4, 0, "2", [4n, 0xffn, 0n, 0n], 0],
      ["enter", 255, 0, "0", [BigInt(LOAD_ADDRESS), 0n, 0n, 0n], 0],
      ["fail", 255, 0, "0", [1n, 0n, 0n, 0n], 0],
      ["handler", 255, 0, "0", none, 9],
      ["jump", 255, 0, "0", none, 9],
    ],
  );
});

test("writes absolute addresses for where the program will be loaded", () => {
  const program = build((p) => {
    p.vector(["a", "b"]);
    p.call("exit_group", [0]);
  });
  const image = HEADER_BYTES + INSTRUCTION_BYTES;
  for (const loadAddress of [0x21000, 0x40000]) {
    const bytes = encodeProgram(program, { loadAddress });
    const addresses = [0, 1, 2].map((index) => Number(bytes.readBigUInt64LE(image + 16 + 8 * index)));
    assert.deepEqual(addresses, [loadAddress + image, loadAddress + image + 8, 0]);
  }
});

test("uses the numbers of the program's architecture", () => {
  const number = (architecture: "x86_64" | "aarch64"): number =>
    encodeProgram(
      build((p) => p.call("exit_group", [0]), architecture),
      { loadAddress: 0 },
    ).readUInt16LE(HEADER_BYTES + FIELDS.number);
  assert.deepEqual([number("x86_64"), number("aarch64")], [231, 94]);
});

test("keeps the header's fields apart", () => {
  const program = build((p) => p.call("exit_group", [0]));
  const bytes = encodeProgram(program, { loadAddress: 0, request: 0xffffffff, token: Buffer.alloc(TOKEN_BYTES, 0xee) });
  assert.deepEqual(bytes.subarray(HEADER.request, HEADER.request + 8).toString("hex"), "ffffffff00000000");
  assert.ok(bytes.subarray(HEADER.token, HEADER.token + TOKEN_BYTES).every((byte) => byte === 0xee));
  assert.ok(bytes.subarray(HEADER.token + TOKEN_BYTES, HEADER_BYTES).every((byte) => byte === 0));
});

test("refuses a program that the machine's area does not hold, and says what to do", () => {
  const room = PROGRAM_MAX_BYTES - HEADER_BYTES - INSTRUCTION_BYTES;
  const ofSize = (length: number): Program =>
    build((p) => {
      p.buffer(length);
      p.call("exit_group", [0]);
    });
  assert.equal(encodeProgram(ofSize(room), { loadAddress: 0 }).length, PROGRAM_MAX_BYTES);
  assert.throws(
    () => encodeProgram(ofSize(room + 1), { loadAddress: 0 }),
    (error) =>
      error instanceof OrlopError && error.code === "exhausted" && /PROGRAM_MAX_BYTES.*\nTry /.test(error.message),
  );
});
