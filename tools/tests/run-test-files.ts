/**
 * `node -C source tools/tests/run-test-files.ts <json>`: runs test files, a process each, and prints the
 * outcome as one line of JSON. A program of its own because the rootless tests need it under another user.
 */
import { relative } from "node:path";
import { run } from "node:test";
import { inspect } from "node:util";
import type { TestRunRequest } from "./run-tests.ts";
import type { TestCounts, TestFailure, TestOutcome, TestSkip } from "./test-outcome.ts";

/** What is used of the events' data; node's own types leave most of it out. */
interface EventData {
  readonly name?: string;
  readonly file?: string;
  readonly entryFile?: string;
  readonly line?: number;
  readonly testId?: number;
  readonly parentId?: number;
  readonly message?: string;
  readonly skip?: boolean | string;
  readonly counts?: TestCounts;
  readonly details?: { readonly error?: { readonly failureType?: string; readonly cause?: unknown } };
}

const printedLinesMax = 40;

class OutcomeCollector {
  readonly #failures: TestFailure[] = [];
  readonly #skips: TestSkip[] = [];
  readonly #titles = new Map<string, { readonly name: string; readonly parent: string }>();
  readonly #printed = new Map<string, string>();
  #counts: TestCounts | undefined;

  take(type: string, data: EventData): void {
    const key = `${data.entryFile ?? ""}#${data.testId}`;
    switch (type) {
      case "test:enqueue":
        this.#titles.set(key, { name: data.name ?? "", parent: `${data.entryFile ?? ""}#${data.parentId}` });
        break;
      case "test:stdout":
      case "test:stderr":
        this.#printed.set(data.file ?? "", (this.#printed.get(data.file ?? "") ?? "") + (data.message ?? ""));
        break;
      case "test:pass":
        if (data.skip !== undefined && data.skip !== false) this.#skips.push(this.#skip(key, data));
        break;
      case "test:fail":
        // A group fails because something in it did, and that is reported already.
        if (data.details?.error?.failureType !== "subtestsFailed") this.#failures.push(this.#failure(key, data));
        break;
      case "test:summary":
        // The last one, without a file, is about all of them; its names differ from TestCounts in nothing used here.
        if (data.file === undefined) this.#counts = data.counts;
        break;
    }
  }

  outcome(): TestOutcome {
    if (this.#counts === undefined) throw new Error("the test runner ended without a summary");
    return { counts: this.#counts, failures: this.#failures, skips: this.#skips };
  }

  #title(key: string): string {
    const title = this.#titles.get(key);
    if (title === undefined) return "";
    const group = this.#title(title.parent);
    return group === "" ? title.name : `${group} > ${title.name}`;
  }

  #skip(key: string, data: EventData): TestSkip {
    const reason = typeof data.skip === "string" && data.skip !== "" ? data.skip : "no reason given";
    return { file: relative(process.cwd(), data.file ?? ""), title: this.#title(key), reason };
  }

  #failure(key: string, data: EventData): TestFailure {
    const { error } = data.details ?? {};
    const cause = error?.cause ?? error;
    const printed = (this.#printed.get(data.file ?? "") ?? "").trimEnd().split("\n").slice(-printedLinesMax).join("\n");
    return {
      place: `${relative(process.cwd(), data.file ?? "")}:${data.line}`,
      title: data.entryFile === undefined ? "the file itself" : this.#title(key),
      error: typeof cause === "string" ? cause : inspect(cause),
      printed,
    };
  }
}

const request = JSON.parse(process.argv[2] ?? "") as TestRunRequest;
const collector = new OutcomeCollector();
const stream = run({
  files: [...request.files],
  concurrency: request.concurrency,
  timeout: request.fileTimeoutMs,
  execArgv: ["-C", "source"],
});
for await (const event of stream) {
  collector.take(event.type, event.data as EventData);
}
console.log(JSON.stringify(collector.outcome()));
