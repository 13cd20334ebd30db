import { OrlopError } from "@orlop/core";
import { REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { FIELDS, Given, INSTRUCTION_BYTES, type Instruction, type Step } from "./instruction.ts";
import { type EncodeOptions, encodeProgram, HEADER_BYTES, type Program } from "./program.ts";
import { TextReplacer } from "./replace-texts.ts";
import { verifyProgram } from "./verify.ts";
import { callSignature, takesAnyNumber } from "./verify-call.ts";

/** What the programs of one template differ in. */
export interface TemplateValues {
  /** In strings and in what is said of steps, wherever they occur; where two could, the first. Without NUL, in ASCII. */
  readonly texts: readonly string[];
  /** Of {@link Given}, by their names. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** An occurrence of a text in the image. */
interface TextPlace {
  readonly at: number;
  readonly text: number;
}

/** A given number, as an operand. */
interface NumberPlace {
  readonly instruction: number;
  readonly operand: number;
  readonly given: Given;
}

/** Of programs that came from a template, which was verified: their instructions, encoded. */
const codes = new WeakMap<Program, Uint8Array>();

/**
 * A program that was verified and encoded once, to be had with other texts of the same lengths and other numbers. What comes
 * of it needs neither again: it is another program in nothing that the verifier looks at, for a string ends where it ended,
 * and numbers stand where any may.
 */
export class ProgramTemplate {
  readonly #program: Program;
  readonly #code: Uint8Array;
  readonly #texts: readonly string[];
  readonly #replacer: TextReplacer;
  readonly #textPlaces: readonly TextPlace[];
  readonly #numberPlaces: readonly NumberPlace[];
  /** Indices of the steps that are said with one of the texts. */
  readonly #steps: readonly number[];

  /**
   * @param program for the request area
   * @param texts that are in it
   * @throws OrlopError `internal` where the program is refused, or a number is given where not any may be
   */
  constructor(program: Program, { texts }: TemplateValues) {
    verifyProgram(program, { loadAddress: REQUEST_ADDRESS });
    const end = HEADER_BYTES + program.instructions.length * INSTRUCTION_BYTES;
    this.#program = program;
    this.#code = Uint8Array.from(encodeProgram(program, { loadAddress: REQUEST_ADDRESS }).subarray(HEADER_BYTES, end));
    this.#texts = texts;
    this.#replacer = new TextReplacer(texts);
    this.#textPlaces = textPlaces(program.image, texts);
    this.#numberPlaces = program.instructions.flatMap((each, index) => numberPlaces(program, each, index));
    this.#steps = [...program.steps.keys()].filter((index) => {
      const { action, field, why } = program.steps[index] as Step;
      return [action, field, why].some((said) => said !== undefined && this.#replacer.isIn(said));
    });
  }

  /**
   * The program with other values.
   *
   * @throws OrlopError `internal` for texts of other lengths, or of more than printable ASCII
   */
  fill({ texts, numbers }: TemplateValues): Program {
    if (texts.length !== this.#texts.length || !texts.every((text, index) => fits(text, this.#texts[index] ?? ""))) {
      throw new OrlopError("internal", "Cannot fill in program: the texts do not fit");
    }
    const { image, steps, instructions } = this.#program;
    const filledImage = Buffer.from(image);
    for (const { at, text } of this.#textPlaces) filledImage.write(texts[text] ?? "", at, "latin1");
    const filledSteps = [...steps];
    for (const index of this.#steps) filledSteps[index] = this.#say(steps[index] as Step, texts);
    const filled = {
      ...this.#program,
      image: filledImage,
      steps: filledSteps,
      instructions: this.#numberPlaces.length === 0 ? instructions : this.#instructions(numbers),
    };
    codes.set(filled, this.#numberPlaces.length === 0 ? this.#code : this.#codeWith(numbers));
    return filled;
  }

  #say(step: Step, texts: readonly string[]): Step {
    const say = (said: string): string => this.#replacer.replace(said, texts);
    const { action, field, why, role } = step;
    return { action: say(action), field: field && say(field), why: why && say(why), role };
  }

  #instructions(numbers: TemplateValues["numbers"]): readonly Instruction[] {
    const instructions = [...this.#program.instructions];
    for (const { instruction: index, operand, given } of this.#numberPlaces) {
      const instruction = instructions[index] as Instruction;
      const operands = instruction.operands.with(operand, new Given(given.name, numberOf(numbers, given)));
      instructions[index] = { ...instruction, operands };
    }
    return instructions;
  }

  #codeWith(numbers: TemplateValues["numbers"]): Uint8Array {
    const code = Buffer.from(this.#code);
    for (const { instruction, operand, given } of this.#numberPlaces) {
      code.writeBigUInt64LE(numberOf(numbers, given), instruction * INSTRUCTION_BYTES + FIELDS.operands + 8 * operand);
    }
    return code;
  }
}

/** Verifies a program and encodes it, as far as that was not done with its template. @throws OrlopError */
export function encodeVerified(program: Program, options: Omit<EncodeOptions, "loadAddress" | "code">): Buffer {
  const code = codes.get(program);
  if (code === undefined) verifyProgram(program, { loadAddress: REQUEST_ADDRESS });
  return encodeProgram(program, { ...options, loadAddress: REQUEST_ADDRESS, code });
}

function fits(text: string, known: string): boolean {
  return text.length === known.length && /^[ -~]+$/.test(text);
}

function numberOf(numbers: TemplateValues["numbers"], { name }: Given): bigint {
  const number = numbers[name];
  if (number === undefined) throw new OrlopError("internal", `Cannot fill in program: there is no number "${name}"`);
  return BigInt.asUintN(64, BigInt(number));
}

/** The first of two that overlap is the one that comes first among the texts. */
function textPlaces(image: Uint8Array, texts: readonly string[]): readonly TextPlace[] {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.length);
  const places: TextPlace[] = [];
  for (const [text, known] of texts.entries()) {
    for (let at = bytes.indexOf(known, 0, "latin1"); at >= 0; at = bytes.indexOf(known, at + known.length, "latin1")) {
      const isFree = places.every(
        (place) => at + known.length <= place.at || place.at + (texts[place.text] ?? "").length <= at,
      );
      if (isFree) places.push({ at, text });
    }
  }
  return places;
}

function numberPlaces({ architecture }: Program, instruction: Instruction, index: number): readonly NumberPlace[] {
  const { op, number, operands } = instruction;
  return operands.flatMap((given, operand) => {
    if (!(given instanceof Given)) return [];
    const call = op === "syscall" ? callSignature(number, architecture) : undefined;
    const isAny = call === undefined ? op === "branch" : takesAnyNumber(call, operand);
    if (isAny) return [{ instruction: index, operand, given }];
    throw new OrlopError(
      "internal",
      `Cannot make template: the number "${given.name}" is neither a mere argument nor compared`,
    );
  });
}
