import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assembleBpf } from "./assemble-bpf.ts";
import { BPF_BRANCH_MAX, BPF_CODES, encodeBpf } from "./bpf-instruction.ts";
import { runSeccompBpf } from "./bpf-interpreter.ts";
import { DecisionGraph, type DecisionRange } from "./decision-graph.ts";
import { disassembleSeccompBpf } from "./disassemble-bpf.ts";
import { verifySeccompBpf } from "./verify-seccomp-bpf.ts";

const { JA, JEQ_K, JGE_K, JGT_K } = BPF_CODES;

describe("a decision graph", () => {
  it("has each node once and no step without consequence", () => {
    const graph = new DecisionGraph();
    const [yes, no] = [graph.verdict(1), graph.verdict(0)];
    assert.equal(graph.verdict(1), yes);
    assert.equal(graph.branch(JEQ_K, 5, yes, no), graph.branch(JEQ_K, 5, yes, no));
    assert.notEqual(graph.branch(JEQ_K, 5, yes, no), graph.branch(JGT_K, 5, yes, no));
    assert.equal(graph.branch(JEQ_K, 5, yes, yes), yes);
    assert.equal(graph.branch(JGE_K, 0, yes, no), yes);
    assert.equal(graph.branch(JGT_K, 0xffff_ffff, yes, no), no);
    assert.equal(graph.load(16, yes), yes);
    assert.equal(graph.mask(0, yes), yes);
    const test = graph.branch(JEQ_K, 5, yes, no);
    assert.equal(graph.mask(0xffff_ffff, test), test);
    const load = graph.load(16, test);
    assert.equal(graph.load(24, load), load);
  });

  it("finds every range, whatever their number", () => {
    for (let count = 1; count < 40; count += 1) {
      const graph = new DecisionGraph();
      // Ranges of one, two and three numbers, with verdicts that repeat.
      const starts = Array.from({ length: count }, (_, index) => Math.floor((index * 5) / 3));
      const ranges = starts.map(
        (start, index): DecisionRange => ({ start, node: graph.verdict(index % 2 ? index % 5 : 0) }),
      );
      const distinct = ranges.filter(({ node }, index) => node !== ranges[index - 1]?.node);
      const program = assembleBpf(graph.load(0, graph.search(distinct)));
      for (let number = 0; number <= (starts.at(-1) ?? 0) + 2; number += 1) {
        const expected = ranges.findLast(({ start }) => start <= number)?.node;
        const { verdict } = runSeccompBpf(program, { nr: number, arch: 0 }, true);
        assert.equal(graph.verdict(verdict), expected, `${number} of ${count} ranges`);
      }
    }
  });

  it("searches in a number of steps that grows with the logarithm of the ranges", () => {
    const graph = new DecisionGraph();
    const ranges = Array.from({ length: 512 }, (_, start): DecisionRange => ({ start, node: graph.verdict(start) }));
    const program = assembleBpf(graph.load(0, graph.search(ranges)));
    const steps = ranges.map(({ start }) => runSeccompBpf(program, { nr: start, arch: 0 }, true).steps);
    // 9 comparisons, a load, a verdict, and a long jump where a branch does not reach.
    assert.ok(Math.max(...steps) <= 9 + 2 + 2, `${Math.max(...steps)} steps`);
  });
});

describe("the assembler", () => {
  it("jumps over distances that a branch cannot reach", () => {
    const graph = new DecisionGraph();
    // Each step tests another bit of another argument and either goes on or ends at the shared, far last node.
    const far = graph.load(0, graph.branch(JEQ_K, 1, graph.verdict(1), graph.verdict(2)));
    let next = graph.verdict(3);
    for (let step = 600; step > 0; step -= 1) {
      next = graph.load(
        16 + 4 * (step % 12),
        graph.branch(JEQ_K, step, next, step % 100 === 0 ? far : graph.verdict(4)),
      );
    }
    const program = assembleBpf(next);
    verifySeccompBpf(program);
    assert.ok(program.some(({ code }) => code === JA));
    assert.ok(program.every(({ jt, jf }) => jt <= BPF_BRANCH_MAX && jf <= BPF_BRANCH_MAX));
    assert.equal(runSeccompBpf(program, { nr: 1, arch: 0 }, true).verdict, 4);
  });

  it("brings both targets of a branch near when both are about as far as it reaches", () => {
    for (let length = 110; length <= 140; length += 1) {
      const graph = new DecisionGraph();
      const far = [1, 2].map((n) =>
        graph.load(4 * n, graph.branch(JEQ_K, 99, graph.verdict(10 + n), graph.verdict(20 + n))),
      );
      const [first, second] = far;
      assert.ok(first !== undefined && second !== undefined);
      let chain = graph.load(16, graph.branch(JEQ_K, 1, first, second));
      for (let step = 0; step < length; step += 1) {
        chain = graph.load(16 + 4 * (step % 2), graph.branch(JEQ_K, 100 + step, graph.verdict(3), chain));
      }
      const program = assembleBpf(
        graph.load(0, graph.branch(JEQ_K, 5, graph.load(20, graph.branch(JGE_K, 1, second, first)), chain)),
      );
      verifySeccompBpf(program);
      const decide = (nr: number, value: bigint): number =>
        runSeccompBpf(program, { nr, arch: 0, args: [value] }, true).verdict;
      assert.equal(decide(5, 0n), 21);
      assert.equal(decide(5, 0x1_0000_0000n), 22);
      assert.equal(decide(6, 1n), 21);
      assert.equal(decide(6, 2n), 22);
      assert.equal(decide(6, 100n), 3);
    }
  });

  it("writes what follows only once", () => {
    const graph = new DecisionGraph();
    const shared = graph.load(16, graph.branch(JEQ_K, 7, graph.verdict(0x7fff_0000), graph.verdict(0x5_0001)));
    const root = graph.load(0, graph.branch(JEQ_K, 1, shared, graph.branch(JEQ_K, 2, shared, graph.verdict(0))));
    assert.deepEqual(disassembleSeccompBpf(encodeBpf(assembleBpf(root), true)), [
      "   0  ld nr",
      "   1  jeq 0x1 ? 3 : 2",
      "   2  jeq 0x2 ? 3 : 7",
      "   3  ld args[0].low",
      "   4  jeq 0x7 ? 5 : 6",
      "   5  ret ALLOW",
      "   6  ret ERRNO(EPERM)",
      "   7  ret KILL_THREAD",
    ]);
  });
});
