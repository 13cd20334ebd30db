import { parseArgs } from "node:util";
import { OrlopError } from "@orlop/core";

interface BenchOptions {
  /** Print JSON instead of a table. */
  readonly json: boolean;
  /** Write docs/benchmarks.md. */
  readonly write: boolean;
  /** Counted rounds of each measurement. */
  readonly rounds: number;
  /** Names of the groups to measure; empty for all. */
  readonly groups: readonly string[];
}

const ROUNDS_QUICK = 10;
const ROUNDS_USUAL = 30;
const ROUNDS_MAX = 100_000;

/** Reads `--json --write --quick -n 100 life-cycle exec`. Throws `invalid` on anything else. */
export function parseBenchOptions(args: readonly string[], known: readonly string[]): BenchOptions {
  const { values, positionals } = parseOrRefuse(args);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new OrlopError("invalid", `Cannot measure "${unknown}": the measurements are ${known.join(", ")}`);
  }
  if (values.quick === true && values.n !== undefined) {
    throw new OrlopError("invalid", "Cannot measure: --quick and -n exclude each other");
  }
  if (values.write === true && positionals.length > 0) {
    throw new OrlopError("invalid", "Cannot write docs/benchmarks.md: it holds all measurements, not some");
  }
  return {
    json: values.json === true,
    write: values.write === true,
    rounds: values.n === undefined ? (values.quick === true ? ROUNDS_QUICK : ROUNDS_USUAL) : parseRounds(values.n),
    groups: positionals,
  };
}

const OPTIONS = {
  json: { type: "boolean" },
  write: { type: "boolean" },
  quick: { type: "boolean" },
  n: { type: "string", short: "n" },
} as const;

function parseOrRefuse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    const usage = "Try npm run bench -- [--json] [--write] [--quick | -n ROUNDS] [MEASUREMENT...]";
    throw new OrlopError("invalid", `Cannot read options: ${(cause as Error).message}\n${usage}`, { cause });
  }
}

function parseRounds(text: string): number {
  const rounds = /^\d+$/.test(text) ? Number(text) : 0;
  if (rounds >= 1 && rounds <= ROUNDS_MAX) return rounds;
  throw new OrlopError("invalid", `Cannot measure "${text}" rounds: it is no number from 1 to ${ROUNDS_MAX}`);
}
