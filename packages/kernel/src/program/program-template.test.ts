import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { ProgramBuilder } from "./builder.ts";
import { encodeProgram, type Program } from "./program.ts";
import { encodeVerified, ProgramTemplate } from "./program-template.ts";
import { verifyProgram } from "./verify.ts";

const LOAD_ADDRESS = 0x40000;

interface Values {
  readonly id: string;
  readonly pid: number;
}

/** A program with an id in its strings, in a vector, in what is said of it, and with a pid. */
function write({ id, pid }: Values, further: (p: ProgramBuilder) => void = () => {}): Program {
  const p = new ProgramBuilder("x86_64");
  p.step({ action: `open "/run/${id}/state" of ${id}`, field: `${id}.field`, why: "so that it is open" });
  const open = (path: string) => p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_CLOEXEC"), 0]);
  open(`/run/${id}/state`);
  open(`/run/${id}`);
  p.step({ action: "open somebody" });
  const somebody = p.given("somebody", pid);
  p.call("pidfd_open", [somebody, 0]);
  p.call("waitid", [p.flags("P_PID"), somebody, p.buffer(128), 0, 0]);
  const same = p.label("the same");
  p.branch(p.slot("other"), "eq", somebody, same);
  p.mark(same);
  p.call("execve", [p.text("/bin/x"), p.vector(["x", id, `--name=${id.slice(0, 3)}`]), p.vector([])]);
  further(p);
  p.fail("ENOENT");
  return p.build();
}

const values = ({ id, pid }: Values) => ({ texts: [id, id.slice(0, 3)], numbers: { somebody: pid } });

const FIRST = { id: "a1b2c3d4", pid: 17 };
const SECOND = { id: "99887766", pid: 4_000_000 };

const bytes = (program: Program): string => encodeProgram(program, { loadAddress: LOAD_ADDRESS }).toString("hex");

suite("a template of a program", () => {
  test("gives what would have been written with the other values", () => {
    const filled = new ProgramTemplate(write(FIRST), values(FIRST)).fill(values(SECOND));
    const written = write(SECOND);
    assert.equal(bytes(filled), bytes(written));
    assert.deepEqual(filled.steps, written.steps);
    assert.equal(encodeVerified(filled, {}).toString("hex"), bytes(written));
    verifyProgram(filled, { loadAddress: LOAD_ADDRESS });
  });

  test("leaves nothing of the values that it was made with, and is not changed by being filled in", () => {
    const template = new ProgramTemplate(write(FIRST), values(FIRST));
    assert.ok(!Buffer.from(template.fill(values(SECOND)).image).includes(FIRST.id));
    assert.equal(bytes(template.fill(values(FIRST))), bytes(write(FIRST)));
  });

  test("lends its own bytes to one at a time, as the program of these values has them", () => {
    const template = new ProgramTemplate(write(FIRST), values(FIRST));
    const token = Buffer.alloc(16, 7);
    const known = (of: Values, options: object) =>
      encodeProgram(write(of), { loadAddress: LOAD_ADDRESS, ...options }).toString("hex");
    const first = template.lend(values(SECOND), { token, request: 5 });
    assert.equal(first?.frame.toString("hex"), known(SECOND, { token, request: 5 }));
    assert.equal(template.lend(values(FIRST), { token, request: 6 }), undefined);
    const meanwhile = template.encode(values(FIRST), { token, request: 6, inPlace: true });
    assert.equal(meanwhile.toString("hex"), known(FIRST, { token, request: 6, inPlace: true }));
    assert.equal(first?.frame.toString("hex"), known(SECOND, { token, request: 5 }), "it is on its way");
    first?.release();
    assert.throws(() => template.lend({ ...values(FIRST), numbers: {} }, { token }), /there is no number/);
    const other = Buffer.alloc(16, 9);
    const second = template.lend(values(FIRST), { token: other });
    assert.equal(second?.frame.toString("hex"), known(FIRST, { token: other }));
  });

  test("refuses texts of other lengths, fewer of them, and such as would end a string", () => {
    const template = new ProgramTemplate(write(FIRST), values(FIRST));
    const refused = (texts: readonly string[]) =>
      assert.throws(() => template.fill({ texts, numbers: { somebody: 1 } }), OrlopError);
    refused(["99887766x", "998"]);
    refused(["99887766"]);
    refused(["9988\x3e6", "998"]);
    refused(["9988776é", "998"]);
    assert.throws(() => template.fill({ texts: ["99887766", "998"], numbers: {} }), /there is no number "somebody"/);
  });

  test("takes numbers only where any number may be", () => {
    const refused = (further: (p: ProgramBuilder) => void) =>
      assert.throws(
        () => new ProgramTemplate(write(FIRST, further), values(FIRST)),
        /is neither a mere argument nor compared/,
      );
    refused((p) => p.call("read", [0, p.buffer(8), p.given("length", 8)]));
    refused((p) => p.set(p.slot("sum"), p.given("sum", 1)));
    refused((p) => p.call("clone", [p.given("flags", 17), 0, 0, 0, 0]));
  });

  test("verifies the program, and vouches for nothing that others make of what it gives", () => {
    const wild = (p: ProgramBuilder) => p.call("read", [0, p.buffer(8), 9]);
    assert.throws(() => new ProgramTemplate(write(FIRST, wild), values(FIRST)), /Cannot verify instruction/);
    const filled = new ProgramTemplate(write(FIRST), values(FIRST)).fill(values(SECOND));
    const changed = { ...filled, instructions: write(SECOND, wild).instructions };
    assert.throws(() => encodeVerified(changed, {}), /Cannot verify instruction/);
  });
});
