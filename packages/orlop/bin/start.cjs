"use strict";
// What bin/orlop executes: the command line, bundled into one file where there is a bundle that is up to date, from the
// sources otherwise.
//
// Plain JavaScript in one file: loading another one, and a compiler for TypeScript above all, takes as long as making a
// container.
const fs = require("node:fs");
const { homedir } = require("node:os");
const { dirname, join } = require("node:path");
const { Script } = require("node:vm");

/** A bundle has one for each verb that was used; beyond that they are of versions that are gone. */
const CODE_FILES_MAX = 32;
/** V8 forgets compiled functions that have not run for a while: what is left at the end of a long run is not all. */
const CODE_AGE_MAX_MS = 10_000;

const packageDirectory = dirname(__dirname);
/** Where this is one: without "..", as the kernel would walk those again for each of its files. */
const checkout = dirname(dirname(packageDirectory));
const isCheckout = process.execArgv.includes("--conditions=source");
// The launcher's way to keep Node from taking the caller's options for its own.
process.argv = process.argv.map((word, index) => (index > 1 && word.startsWith(":") ? word.slice(1) : word));
const args = process.argv.slice(2);

/**
 * The bundle, with the record that the build wrote into its last line. In a checkout `npm ci` makes one, and it counts
 * as long as nobody has touched a file that went into it.
 */
function findBundle() {
  if (isCheckout && process.env.ORLOP_SOURCES) return undefined;
  const file = join(packageDirectory, isCheckout ? ".cache" : "dist", "cli.cjs");
  try {
    // It has only ASCII characters, which V8 keeps and reads fastest when it is told so.
    const text = fs.readFileSync(file, "latin1");
    const { build, inputs } = JSON.parse(text.slice(text.lastIndexOf("\n//") + 3));
    return !isCheckout || inputs.every(isUntouched) ? { file, text, build } : undefined;
  } catch (error) {
    if (isCheckout) return undefined;
    throw error;
  }
}

/** The time of the last change cannot be set, and everything that changes what is in a file sets it. */
function isUntouched([path, size, changedMs]) {
  const stat = fs.statSync(`${checkout}/${path}`, { throwIfNoEntry: false });
  return stat !== undefined && stat.size === size && stat.ctimeMs === changedMs;
}

/**
 * Runs the bundle with what V8 compiled when the same part of it ran for the first time. Node's own compile cache keeps a
 * module as it is before it runs, which leaves out nearly all of its functions.
 */
async function runBundle({ file, text, build }) {
  const codeFile = join(cacheDirectory(), "code", `${usedPart()}-${build}-${process.version}-${process.arch}`);
  const cachedData = readOwn(codeFile);
  const wrapped = `(function (exports, require, __filename, __dirname) {${text}\n})`;
  const script = new Script(wrapped, { filename: file, cachedData });
  const bundle = {};
  script.runInThisContext()(bundle, require, file, dirname(file));
  process.exitCode = await bundle.commandLine(args);
  const isKnown = cachedData !== undefined && script.cachedDataRejected === false;
  if (!isKnown && process.exitCode === 0 && performance.now() < CODE_AGE_MAX_MS) {
    keepCode(codeFile, script.createCachedData());
  }
}

/** The verb, and whether it works with an image: a guess, with which only time is lost when it is wrong. */
function usedPart() {
  const verb = /^[a-z]+$/.test(args[0]) ? args[0] : "none";
  return args.some((word) => word === "host" || word.startsWith("dir:")) ? `${verb}-own` : verb;
}

/** The content of a file that only this user can have written, or undefined: V8 executes it unseen. */
function readOwn(file) {
  let descriptor;
  try {
    descriptor = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    const { uid, mode } = fs.fstatSync(descriptor);
    return uid === process.geteuid() && (mode & 0o022) === 0 ? fs.readFileSync(descriptor) : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

/** Whole or not at all, also when the machine loses power: V8 does not check what it is given. */
function keepCode(file, code) {
  const directory = dirname(file);
  const temporary = `${file}.${process.pid}`;
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    fs.writeFileSync(temporary, code, { mode: 0o600, flag: "wx", flush: true });
    fs.renameSync(temporary, file);
    const files = fs.readdirSync(directory).map((name) => join(directory, name));
    const writtenMs = new Map(files.map((each) => [each, fs.statSync(each).mtimeMs]));
    files.sort((a, b) => writtenMs.get(b) - writtenMs.get(a));
    for (const old of files.slice(CODE_FILES_MAX)) fs.rmSync(old, { force: true });
  } catch {
    // Nothing but time is lost without it.
    fs.rmSync(temporary, { force: true });
  }
}

/** Where nobody else may have put code for this user to run: the rules are those of @orlop/kernel's cacheDirectory. */
function cacheDirectory() {
  const { XDG_CACHE_HOME, HOME, XDG_RUNTIME_DIR } = process.env;
  if (XDG_CACHE_HOME?.startsWith("/") && isOwn(XDG_CACHE_HOME)) return join(XDG_CACHE_HOME, "orlop");
  if (process.geteuid() === 0 && fs.statSync("/").uid === 0) return "/var/cache/orlop";
  return join([HOME, XDG_RUNTIME_DIR].find((path) => path?.startsWith("/")) ?? homedir(), ".cache", "orlop");
}

function isOwn(directory) {
  const stat = fs.statSync(directory, { throwIfNoEntry: false });
  return stat === undefined || (stat.uid === process.geteuid() && (stat.mode & 0o002) === 0);
}

async function runSources() {
  require("node:module").enableCompileCache(join(cacheDirectory(), "node"));
  await import("../src/main.ts");
}

const bundle = findBundle();
if (bundle === undefined) runSources();
else runBundle(bundle);
