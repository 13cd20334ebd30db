import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { hostArchitecture } from "../abi/architecture.ts";
import { TestMachine } from "../machine/machine-fixture.ts";
import { emitDecimal, PID_DIGITS_MAX } from "./emit-decimal.ts";

const machine = TestMachine.find(hostArchitecture());
after(() => {
  if (typeof machine !== "string") machine[Symbol.dispose]();
});

function decimal(value: number): string {
  assert(typeof machine !== "string");
  const { output, status } = machine.run((p) => {
    const text = p.bytes(Buffer.from(`<${" ".repeat(PID_DIGITS_MAX)}|${" ".repeat(PID_DIGITS_MAX)}>`));
    const number = p.slot("number");
    p.step({ action: "print a number" });
    p.set(number, value);
    emitDecimal(p, number, [text.at(1, PID_DIGITS_MAX), text.at(2 + PID_DIGITS_MAX, PID_DIGITS_MAX)]);
    p.call("write", [1, text, 3 + 2 * PID_DIGITS_MAX]);
    p.call("exit_group", [0]);
  });
  assert.equal(status, 0);
  return output.toString();
}

suite("a decimal number", { skip: typeof machine === "string" ? machine : false }, () => {
  test("is written to the right end of every place", () => {
    for (const value of [1, 9, 10, 42, 100, 1009, 70_000, 999_999, 1_000_000, 4_194_304, 9_999_999]) {
      const text = String(value).padStart(PID_DIGITS_MAX);
      assert.equal(decimal(value), `<${text}|${text}>`);
    }
  });
});
