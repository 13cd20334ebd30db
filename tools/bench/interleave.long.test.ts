import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { interleave } from "./interleave.ts";

describe("interleaved rounds", () => {
  test("let the subjects take turns, every other round backwards, and leave the first rounds out", async () => {
    const order: string[] = [];
    const subject = (name: string) => ({ name, once: async () => ({ time: order.push(name) }) });
    const { signal } = new AbortController();
    const series = await interleave([subject("a"), subject("b")], { count: 2, warmUp: 1, signal });
    assert.deepEqual(order, ["a", "b", "b", "a", "a", "b"]);
    assert.deepEqual(series.get("a"), { time: [4, 5] });
    assert.deepEqual(series.get("b"), { time: [3, 6] });
  });

  test("end with the signal", async () => {
    const controller = new AbortController();
    const once = async () => {
      controller.abort(new Error("enough"));
      return { time: 1 };
    };
    const rounds = { count: 5, warmUp: 0, signal: controller.signal };
    await assert.rejects(interleave([{ name: "a", once }], rounds), { message: "enough" });
  });
});
