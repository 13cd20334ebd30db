import { encodeProgram, type Program, ProgramTemplate, type TemplateValues, TextReplacer } from "@orlop/kernel";
import type { HostView } from "./supervision.ts";

/** What a program is compiled from, taken apart. */
export interface KeptPlan {
  /** What differs from one container to the next, and is in the program as it is. */
  readonly values: TemplateValues;
  /** All the rest, as JSON would have it; texts among it may have those of the values in them. */
  readonly rest: object;
  /** Bytes that have none of the values in them. */
  readonly bytes?: Uint8Array | undefined;
}

/** What the compiler has asked this machine. */
interface Answer {
  readonly question: "fileKind" | "linkTarget";
  readonly path: string;
  readonly answer: string | undefined;
}

/** A program that was compiled for a plan. */
interface Kept {
  readonly values: TemplateValues;
  readonly answers: readonly Answer[];
  readonly program: Program;
  /** Absent: no second one has turned out to be the same. */
  readonly template: ProgramTemplate | undefined;
}

/** Each is some hundred kilobytes. */
const KEPT_MAX = 8;

/** Its programs are larger than that only where somebody gives a container thousands of mounts or variables. */
const KEPT_INSTRUCTIONS_MAX = 4096;
const KEPT_IMAGE_MAX_BYTES = 256 * 1024;

/**
 * Compiles plans, and keeps what came of it: where a plan is the same as an earlier one but for its values, the program is
 * the same but for them. That is relied on from the third such plan on, when the second one was compiled, too, and gave
 * exactly what the first one's program is with the values of the second.
 *
 * A plan is the same only if all of it is, environment and paths included, and if the compiler would get the same answers
 * from this machine: nothing of one container comes into another that it would not have had anyway.
 */
export class KeptPrograms<Plan extends object> {
  readonly #compile: (plan: Plan) => Program;
  readonly #takeApart: (plan: Plan) => KeptPlan | undefined;
  /** By the plan's key, the one that was asked for last at the end. */
  readonly #kept = new Map<string, Kept>();

  /**
   * @param compile asks nobody but the plan's host, if it has one, and gives the same for the same plan
   * @param takeApart undefined for a plan whose values come into the program in other ways
   */
  constructor(compile: (plan: Plan) => Program, takeApart: (plan: Plan) => KeptPlan | undefined) {
    this.#compile = compile;
    this.#takeApart = takeApart;
  }

  /** What `compile` gives for the plan, errors included. */
  program(plan: Plan): Program {
    const apart = this.#takeApart(plan);
    if (apart === undefined) return this.#compile(plan);
    const { values } = apart;
    const key = keyOf(apart);
    const known = this.#kept.get(key);
    const { host } = plan as { readonly host?: HostView };
    if (known?.template !== undefined && (host === undefined || holds(known, values, host))) {
      this.#keep(key, known);
      return known.template.fill(values);
    }
    const answers: Answer[] = [];
    const program = this.#compile(host === undefined ? plan : { ...plan, host: listening(host, answers) });
    const isSmall =
      program.instructions.length <= KEPT_INSTRUCTIONS_MAX && program.image.length <= KEPT_IMAGE_MAX_BYTES;
    if (isSmall)
      this.#keep(key, { values, answers, program, template: known && provenTemplate(known, program, values) });
    return program;
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size > KEPT_MAX) this.#kept.delete(oldest);
  }
}

/** Equal for plans that are the same but for their values. */
function keyOf({ values, rest, bytes }: KeptPlan): string {
  const { texts, numbers } = values;
  const text = textOf(rest);
  // JSON has no NUL.
  const marks = texts.map((_, index) => `\0${index}\0`);
  const lengths = texts.map(({ length }) => length);
  const other = bytes === undefined ? "" : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  return `${lengths}\0${Object.keys(numbers)}\0${new TextReplacer(texts).replace(text, marks)}\0${other}`;
}

function textOf(rest: object): string {
  try {
    return JSON.stringify(rest);
  } catch {
    // Few have numbers that JSON has no words for, and asking of every value takes several times as long.
    return JSON.stringify(rest, (_, value: unknown) => (typeof value === "bigint" ? { bigint: String(value) } : value));
  }
}

/** The host, writing down what it is asked. */
function listening(host: HostView, answers: Answer[]): HostView {
  const ask = <T extends string | undefined>(question: Answer["question"], path: string, answer: T): T => {
    answers.push({ question, path, answer });
    return answer;
  };
  return {
    ...host,
    fileKind: (path) => ask("fileKind", path, host.fileKind(path)),
    linkTarget: (path) => ask("linkTarget", path, host.linkTarget(path)),
  };
}

/** Whether the host would answer with these values as it did then. */
function holds({ values: known, answers }: Kept, { texts }: TemplateValues, host: HostView): boolean {
  if (answers.length === 0) return true;
  const replacer = new TextReplacer(known.texts);
  return answers.every(
    ({ question, path, answer }) =>
      host[question](replacer.replace(path, texts)) === (answer && replacer.replace(answer, texts)),
  );
}

/** A template of this program, where the earlier one is the same with its own values. */
function provenTemplate(earlier: Kept, program: Program, values: TemplateValues): ProgramTemplate | undefined {
  const template = new ProgramTemplate(program, values);
  const filled = template.fill(earlier.values);
  const bytes = (each: Program): Buffer => encodeProgram(each, { loadAddress: 0 });
  const isSame =
    bytes(filled).equals(bytes(earlier.program)) &&
    JSON.stringify(filled.steps) === JSON.stringify(earlier.program.steps);
  return isSame ? template : undefined;
}
