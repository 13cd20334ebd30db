import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { defaultSpec, type Linux, type Process } from "@orlop/core";
import {
  busyboxObstacle,
  makeBusyboxRootfs,
  ociCommandVersion,
  patience,
  temporaryDirectory,
  writeBundle,
} from "@orlop/testkit";

/** What our failures were compared with. */
const COMPARED = "1.1.5";

/**
 * What cannot be started: which verb of ours says so, and the words that callers make an exit code of, which are runc's.
 * What only the execution itself shows runc tells of in the container's own output, and its start succeeds.
 */
interface Failing {
  readonly title: string;
  readonly process?: Partial<Process>;
  readonly linux?: Partial<Linux>;
  readonly verb: "create" | "start";
  readonly words: RegExp;
}

const program = (...args: readonly string[]): { readonly process: Partial<Process> } => ({ process: { args } });

const FAILING: readonly Failing[] = [
  { title: "a program that is nowhere", ...program("/none"), verb: "create", words: /no such file or directory/ },
  {
    title: "a name that PATH does not lead to",
    ...program("none"),
    verb: "create",
    words: /executable file not found/,
  },
  { title: "a file that is not executable", ...program("/plain"), verb: "create", words: /permission denied/ },
  { title: "a directory", ...program("/dir"), verb: "create", words: /permission denied/ },
  { title: "a link to itself", ...program("/loop"), verb: "start", words: /too many levels of symbolic links/ },
  {
    title: "a script whose interpreter is missing",
    ...program("/script"),
    verb: "start",
    words: /no such file or directory/,
  },
  { title: "a program for another processor", ...program("/foreign"), verb: "start", words: /exec format error/ },
  { title: "a text that is no script", ...program("/text"), verb: "start", words: /exec format error/ },
  {
    title: "a working directory that is a file",
    process: { args: ["sh"], cwd: "/plain" },
    verb: "start",
    words: /not a directory/,
  },
  {
    title: "a user namespace without mappings",
    linux: { namespaces: [{ type: "mount" }, { type: "pid" }, { type: "user" }] },
    verb: "create",
    words: /mappings/,
  },
];

function fillRootfs(rootfs: string): void {
  makeBusyboxRootfs(rootfs);
  mkdirSync(join(rootfs, "dir"));
  const file = (name: string, content: string | Buffer, mode: number): void => {
    writeFileSync(join(rootfs, name), content);
    chmodSync(join(rootfs, name), mode);
  };
  file("plain", "text", 0o644);
  file("text", "text", 0o755);
  file("script", "#!/no/such/interpreter\n", 0o755);
  // The head of an ELF file for s390: include/uapi/linux/elf-em.h.
  file("foreign", Buffer.from("7f454c4602020100000000000000000000020016", "hex"), 0o755);
  symlinkSync("loop", join(rootfs, "loop"));
}

/** Calls of one runtime whose output, and that of its containers, goes to a file. */
class Calls {
  readonly #command: readonly string[];
  readonly #output: string;

  constructor(command: readonly string[], directory: string, name: string) {
    this.#command = [...command, "--root", join(directory, `${name}-state`)];
    this.#output = join(directory, `${name}-output`);
    writeFileSync(this.#output, "");
  }

  get said(): string {
    return readFileSync(this.#output, "utf8");
  }

  succeeds(...args: readonly string[]): boolean {
    const descriptor = openSync(this.#output, "a");
    const [file = "", ...first] = this.#command;
    const { status } = spawnSync(file, [...first, ...args], {
      stdio: ["ignore", descriptor, descriptor],
      timeout: patience(30_000),
    });
    closeSync(descriptor);
    return status === 0;
  }
}

function failingVerb(ours: Calls, bundle: string, id: string): "create" | "start" | undefined {
  if (!ours.succeeds("create", "--bundle", bundle, id)) return "create";
  if (!ours.succeeds("start", id)) return "start";
  ours.succeeds("delete", "--force", id);
  return undefined;
}

const OURS = [process.execPath, "-C", "source", join(import.meta.dirname, "../oci/main.ts")];

suite("what cannot be started", () => {
  for (const [index, { title, verb, words, ...changes }] of FAILING.entries()) {
    test(`is told of by ${verb}, in words that callers know: ${title}`, async (t) => {
      if (process.getuid?.() !== 0) return t.skip("needs root");
      const obstacle = busyboxObstacle();
      if (obstacle !== undefined) return t.skip(obstacle);
      using directory = temporaryDirectory("orlop-words-");
      const rootfs = join(directory.path, "rootfs");
      fillRootfs(rootfs);
      const base = defaultSpec({ args: ["true"], rootPath: rootfs });
      assert(base.process !== undefined);
      const spec = {
        ...base,
        mounts: (base.mounts ?? []).filter(({ type }) => type !== "cgroup"),
        process: { ...base.process, ...changes.process },
        linux: { ...base.linux, ...changes.linux },
      };
      writeBundle(directory.path, spec);
      const id = `orlop-words-${process.pid}-${index}`;
      const ours = new Calls(OURS, directory.path, "ours");
      assert.equal(failingVerb(ours, directory.path, id), verb, ours.said);
      assert.match(ours.said, words);
      if (!(await ociCommandVersion("runc"))?.startsWith(COMPARED)) {
        return t.diagnostic(`not compared: there is no runc ${COMPARED}`);
      }
      const runc = new Calls(["runc"], directory.path, "runc");
      runc.succeeds("run", "--bundle", directory.path, `${id}-runc`);
      assert.match(runc.said, words, `runc: ${runc.said}`);
    });
  }
});
