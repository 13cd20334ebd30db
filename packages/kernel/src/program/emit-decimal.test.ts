import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { hostArchitecture } from "../abi/architecture.ts";
import { TestMachine } from "../machine/machine-fixture.ts";
import { emitDecimal, PID_DIGITS_MAX } from "./emit-decimal.ts";

const machine = TestMachine.find(hostArchitecture());
after(() => {
  if (typeof machine !== "string") machine[Symbol.dispose]();
});

function decimal(value: number, alignment?: "left"): string {
  assert(typeof machine !== "string");
  const { output, status } = machine.run((p) => {
    const place = " ".repeat(PID_DIGITS_MAX);
    const text = p.bytes(Buffer.from(`<${place}|${place}>`));
    const number = p.slot("number");
    p.step({ action: "print a number" });
    p.set(number, value);
    const length = PID_DIGITS_MAX + (alignment === "left" ? 1 : 0);
    emitDecimal(p, number, [text.at(1, length), text.at(2 + PID_DIGITS_MAX, length)], alignment);
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

  test("is written to the left end, with a NUL behind it", () => {
    for (const value of [0, 1, 10, 42, 1009, 999_999]) {
      const places = decimal(value, "left");
      for (const at of [1, 2 + PID_DIGITS_MAX]) assert.ok(places.startsWith(`${value}\0`, at), JSON.stringify(places));
    }
  });
});
