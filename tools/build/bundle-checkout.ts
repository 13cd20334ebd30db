import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Plugin } from "rolldown";
import { BuildFailure } from "./build-failure.ts";
import { bundleCommand, type CommandBundle } from "./bundle-command.ts";
import { type BundleInput, bundleFile } from "./bundle-file.ts";
import { checkoutPackages } from "./checkout-packages.ts";

/**
 * File systems count time in steps, the coarsest in use in two seconds: a file that changed less than a step before it
 * was read may change again and look the same.
 */
const TIME_STEP_MS = 2_000;

/** An installed package, as a path of one of its files begins, from the root of the checkout. */
const INSTALLED = /^node_modules\/(@[^/]+\/)?[^/]+/;

/**
 * Notes each file right before it is read: one that changes afterwards is another than was noted. The manifest stands for a
 * package that npm installed, and replaces as a whole: every file noted is one to look at whenever the command starts.
 */
class InputRecord {
  readonly #inputs = new Map<string, BundleInput>();
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  get inputs(): readonly BundleInput[] {
    return [...this.#inputs.values()];
  }

  note(path: string): void {
    const read = relative(this.#root, path);
    const installed = INSTALLED.exec(read)?.[0];
    const file = installed === undefined ? read : join(installed, "package.json");
    if (this.#inputs.has(file)) return;
    const { size, ctimeMs } = statSync(join(this.#root, file));
    this.#inputs.set(file, [file, size, ctimeMs]);
  }

  get observer(): Plugin {
    // What plug-ins make up is no file; its name begins with a zero byte.
    return { name: "input-record", load: (path) => (path.startsWith("\0") ? undefined : this.note(path)) };
  }
}

interface CheckoutBundle {
  readonly bundle: CommandBundle;
  readonly inputs: readonly BundleInput[];
}

async function bundleOnce(root: string, directory: string): Promise<CheckoutBundle> {
  const record = new InputRecord(root);
  const packages = checkoutPackages(root);
  for (const each of packages) record.note(join(each.directory, "package.json"));
  const bundle = await bundleCommand(directory, packages, record.observer);
  return { bundle, inputs: record.inputs };
}

/**
 * Bundles the checkout's command line into `packages/orlop/.cache/cli.cjs`, for bin/start.cjs to run as long as nobody
 * changes a file that went into it. Replaces the file as a whole.
 *
 * Throws {@link BuildFailure}, or what `node:fs` throws where the directory cannot be written.
 */
export async function bundleCheckout(root: string, timeStepMs: number = TIME_STEP_MS): Promise<void> {
  const directory = join(root, "packages", "orlop");
  for (let attempt = 0; attempt < 2; attempt++) {
    const beganMs = Date.now();
    const { bundle, inputs } = await bundleOnce(root, directory);
    if (inputs.every(([, , changedMs]) => changedMs < beganMs - timeStepMs)) {
      replaceFile(join(directory, ".cache", "cli.cjs"), bundleFile(bundle, inputs));
      return;
    }
    await sleep(timeStepMs);
  }
  throw new BuildFailure("Cannot bundle the command line: its sources are being changed");
}

/**
 * Bundles the checkout's command line for a copy of it that nobody can change: into `directory`, to stand in the place of
 * the copy's `packages/orlop/.cache`. A copy's files have other times, and the checkout's own bundle would count for changed.
 */
export async function bundleForCopy(root: string, directory: string): Promise<void> {
  const { bundle } = await bundleOnce(root, join(root, "packages", "orlop"));
  writeFileSync(join(directory, "cli.cjs"), bundleFile(bundle));
}

function replaceFile(path: string, content: string): void {
  const temporary = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, content);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
