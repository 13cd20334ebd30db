import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

/** What each shell has called when a key for completion is pressed, for a command line up to there. */
const SHELLS: Readonly<Record<string, { readonly flags: readonly string[]; readonly script: string }>> = {
  bash: {
    flags: ["--norc"],
    script: `source <(orlop completion bash)
      COMP_LINE=$1 COMP_POINT=\${#1} && _orlop && printf '%s\\n' "\${COMPREPLY[@]}"`,
  },
  // The functions of its own that the script calls show what they are given.
  zsh: {
    flags: ["-f"],
    script: `compdef() {}; _files() { print FILES }
      _describe() { for each in "\${(@P)2}"; do print -r -- "\${each%%:*}"; done }
      source <(orlop completion zsh)
      words=("\${(@s: :)1}") CURRENT=\${#words} && _orlop`,
  },
  fish: {
    flags: ["--no-config"],
    script: `orlop completion fish | source; complete -C $argv[1] | string replace -r '\\t.*' ''`,
  },
};

test("a script is written to a file, as by podman", () => {
  const directory = mkdtempSync(join(tmpdir(), "orlop-completion-"));
  try {
    const options = { cwd: directory, env: { ...process.env, HOME: directory }, encoding: "utf8" } as const;
    const orlop = (...args: readonly string[]) =>
      spawnSync(join(import.meta.dirname, "../../bin/orlop"), ["completion", ...args], options);
    const written = orlop("-f", "here", "bash");
    assert.deepEqual([written.status, written.stdout, written.stderr], [0, "", ""]);
    assert.equal(readFileSync(join(directory, "here"), "utf8"), orlop("bash").stdout);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

for (const [shell, { flags, script }] of Object.entries(SHELLS)) {
  const skip = spawnSync(shell, ["--version"]).error === undefined ? false : `no ${shell} here`;
  describe(`the script for ${shell}`, { skip }, () => {
    const directory = mkdtempSync(join(tmpdir(), "orlop-completion-"));
    after(() => rmSync(directory, { recursive: true, force: true }));

    const complete = (line: string): readonly string[] => {
      const path = `${join(import.meta.dirname, "../../bin")}:${process.env.PATH}`;
      // fish counts what follows the script among the arguments, the others have the name of the program first.
      const name = shell === "fish" ? [] : [shell];
      const { stdout, stderr, status } = spawnSync(shell, [...flags, "-c", script, ...name, line], {
        cwd: directory,
        env: { ...process.env, PATH: path, ORLOP_ROOT: join(directory, "root"), HOME: directory },
        encoding: "utf8",
      });
      assert.deepEqual([status, stderr], [0, ""], line);
      return stdout.split("\n").filter((word) => word !== "" && word !== "root/");
    };

    test("offers what orlop knows", () => {
      assert.deepEqual(complete("orlop ren"), ["rename"]);
      assert.deepEqual(complete("orlop run --pull n"), ["never"]);
      assert.deepEqual(complete("orlop generate "), ["kube", "systemd"]);
    });
  });
}
