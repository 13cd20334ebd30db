import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { explainJson, explainProgram, type Program } from "@orlop/kernel";

type Step = ReturnType<typeof explainJson>["steps"][number];

/** `openat, fstat x3`: the system calls of a step, in order. */
function callNames({ calls }: Step): string {
  const runs: { name: string; count: number }[] = [];
  for (const { kind, call } of calls) {
    if (kind !== "system call") continue;
    const last = runs.at(-1);
    if (last?.name === call) last.count++;
    else runs.push({ name: call, count: 1 });
  }
  return runs.map(({ name, count }) => (count === 1 ? name : `${name} x${count}`)).join(", ");
}

/** A program in short: a line for each step, with the field that asked for it, and its system calls below. */
export function outlineOf(program: Program): string {
  const lines: string[] = [];
  let role = "";
  for (const step of explainJson(program).steps) {
    if (step.role !== role) lines.push("", `== ${step.role} ==`);
    role = step.role;
    lines.push(step.field === null ? step.action : `${step.action} (${step.field})`);
    const calls = callNames(step);
    if (calls !== "") lines.push(`    ${calls}`);
  }
  return `${lines.join("\n").trim()}\n`;
}

export const fullTextOf = (program: Program): string => explainProgram(program);

/**
 * Compares with the text that is kept under this name, which `ORLOP_GOLDEN=write` renews: a change of what a container
 * is made by shows in the change that made it.
 */
export function assertGolden(name: string, text: string): void {
  const path = join(import.meta.dirname, "golden", name);
  if (process.env.ORLOP_GOLDEN === "write") writeFileSync(path, text);
  assert.ok(existsSync(path), `there is no ${path}: set ORLOP_GOLDEN=write to make it`);
  assert.equal(text, readFileSync(path, "utf8"), `${name} differs: look, then set ORLOP_GOLDEN=write to renew it`);
}
