/** The counts that node's test runner closes with. */
export interface TestCounts {
  readonly tests: number;
  readonly suites: number;
  readonly passed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly skipped: number;
  readonly todo: number;
}

export interface TestFailure {
  /** `path:line`. */
  readonly place: string;
  /** Title with the titles of its groups in front. */
  readonly title: string;
  /** The error as node prints it. */
  readonly error: string;
  /** The last lines that the test's file printed; known once the file has ended. */
  readonly printed?: string;
}

export interface TestSkip {
  readonly file: string;
  readonly title: string;
  readonly reason: string;
}

/** How long the process of some files has run. */
interface TestTime {
  readonly files: readonly string[];
  readonly durationMs: number;
}

/** What came out of one run over some test files. */
export interface TestOutcome {
  readonly counts: TestCounts;
  readonly failures: readonly TestFailure[];
  readonly skips: readonly TestSkip[];
  /** Known once the files have ended. */
  readonly times: readonly TestTime[];
}

export const emptyOutcome: TestOutcome = {
  counts: { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 },
  failures: [],
  skips: [],
  times: [],
};

export function addOutcomes(a: TestOutcome, b: TestOutcome): TestOutcome {
  return {
    counts: {
      tests: a.counts.tests + b.counts.tests,
      suites: a.counts.suites + b.counts.suites,
      passed: a.counts.passed + b.counts.passed,
      failed: a.counts.failed + b.counts.failed,
      cancelled: a.counts.cancelled + b.counts.cancelled,
      skipped: a.counts.skipped + b.counts.skipped,
      todo: a.counts.todo + b.counts.todo,
    },
    failures: [...a.failures, ...b.failures],
    skips: [...a.skips, ...b.skips],
    times: [...a.times, ...b.times],
  };
}

/** The outcome of files that could not even be tried: counted as one skipped test each. */
export function skippedFiles(files: readonly string[], reason: string): TestOutcome {
  const { length } = files;
  return {
    counts: { ...emptyOutcome.counts, tests: length, skipped: length },
    failures: [],
    skips: files.map((file) => ({ file, title: "the whole file", reason })),
    times: [],
  };
}

/** The outcome of a file that ended badly, whatever its tests said. */
export function failedFile(file: string, error: string, printed: string): TestOutcome {
  return {
    counts: { ...emptyOutcome.counts, tests: 1, failed: 1 },
    failures: [{ place: file, title: "the file itself", error, printed }],
    skips: [],
    times: [],
  };
}
