import { relative } from "node:path";
import { inspect } from "node:util";
import { emptyOutcome, type TestCounts, type TestFailure, type TestOutcome, type TestSkip } from "./test-outcome.ts";

/** What is used of the data of the test runner's events; node's own types leave most of it out. */
export interface TestEventData {
  readonly name?: string;
  readonly file?: string;
  readonly line?: number;
  readonly testId?: number;
  readonly parentId?: number;
  readonly skip?: boolean | string;
  readonly counts?: TestCounts;
  readonly details?: { readonly error?: { readonly failureType?: string; readonly cause?: unknown } };
}

/** Turns the events of `run()` over one file into its outcome. Paths are relative to the working directory. */
export class OutcomeCollector {
  readonly #failures: TestFailure[] = [];
  readonly #skips: TestSkip[] = [];
  readonly #running = new Set<number>();
  readonly #titles = new Map<number, { readonly name: string; readonly parentId: number }>();
  #counts: TestCounts | undefined;

  take(type: string, data: TestEventData): void {
    switch (type) {
      case "test:enqueue":
        this.#titles.set(data.testId ?? 0, { name: data.name ?? "", parentId: data.parentId ?? 0 });
        break;
      case "test:dequeue":
        this.#running.add(data.testId ?? 0);
        break;
      case "test:complete":
        this.#running.delete(data.testId ?? 0);
        break;
      case "test:pass":
        if (data.skip !== undefined && data.skip !== false) this.#skips.push(this.#skip(data));
        break;
      case "test:fail":
        // A group fails because something in it did, and that is reported already.
        if (data.details?.error?.failureType !== "subtestsFailed") this.#failures.push(this.#failure(data));
        break;
      case "test:summary":
        this.#counts = data.counts;
        break;
    }
  }

  /** Throws when the events ended before the summary. */
  outcome(): TestOutcome {
    if (this.#counts === undefined) throw new Error("the test runner ended without a summary");
    return { ...emptyOutcome, counts: this.#counts, failures: this.#failures, skips: this.#skips };
  }

  /** Of a run that was broken off: what failed before may be the reason. */
  outcomeSoFar(): TestOutcome {
    const failed = this.#failures.length;
    const counts = { ...emptyOutcome.counts, tests: failed, failed };
    return { ...emptyOutcome, counts, failures: this.#failures, skips: this.#skips };
  }

  /** The tests, groups included, that have begun and not ended. */
  runningTitles(): readonly string[] {
    return [...this.#running].map((testId) => this.#title(testId));
  }

  #title(testId: number): string {
    const title = this.#titles.get(testId);
    if (title === undefined) return "";
    const group = this.#title(title.parentId);
    return group === "" ? title.name : `${group} > ${title.name}`;
  }

  #skip(data: TestEventData): TestSkip {
    const reason = typeof data.skip === "string" && data.skip !== "" ? data.skip : "no reason given";
    return { file: relative(process.cwd(), data.file ?? ""), title: this.#title(data.testId ?? 0), reason };
  }

  #failure(data: TestEventData): TestFailure {
    const { error } = data.details ?? {};
    const cause = error?.cause ?? error;
    return {
      place: `${relative(process.cwd(), data.file ?? "")}:${data.line}`,
      // A file that does not load is a test of the file's own name.
      title: data.name === data.file ? "the file itself" : this.#title(data.testId ?? 0),
      error: typeof cause === "string" ? cause : inspect(cause),
    };
  }
}
