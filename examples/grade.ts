// Grades programs that somebody has handed in: each gets the same questions, in a sandbox of its own, with little time for each.
// What takes too long, fails or puts out too much has not answered.
//
//   sh tools/node -C source examples/grade.ts 5000 'x => x * x' 'x => { for (;;); }'

import { OrlopError, Sandbox } from "orlop";

const QUESTIONS = [
  [3, 9],
  [12, 144],
] as const;

const [limit = "5000", ...programs] = process.argv.slice(2);

const wrapper = "process.stdout.write(String(eval(process.argv[1])(Number(process.argv[2]))))";

async function grade(program: string): Promise<string> {
  await using box = await Sandbox.create({ image: "host", workdir: "/tmp", timeoutMs: 60_000 });
  for (const [question, answer] of QUESTIONS) {
    try {
      const words = [process.execPath, "-e", wrapper, program, `${question}`];
      const { stdout, exitCode, timedOut } = await box.run(words, { timeoutMs: Number(limit), outputMaxBytes: 1000 });
      if (timedOut) return "too slow";
      if (exitCode !== 0) return "failed";
      if (stdout !== `${answer}`) return `wrong: ${question} is not ${stdout}`;
    } catch (error) {
      if (!(error instanceof OrlopError) || error.code !== "exhausted") throw error;
      return "too much";
    }
  }
  return "right";
}

for (const program of programs) console.log(await grade(program));
