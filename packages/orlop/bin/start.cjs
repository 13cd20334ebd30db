"use strict";
// What bin/orlop executes: the command line, of which it loads the parts that are used from one file where there is a bundle
// that is up to date, from the sources otherwise.
//
// Plain JavaScript in one file: loading another one, and a compiler for TypeScript above all, takes as long as making a
// container.
const fs = require("node:fs");
const { homedir } = require("node:os");
const { dirname, join } = require("node:path");
const { Script } = require("node:vm");

/** With which a bundle ends: those of the size of its record. */
const RECORD_SIZE_DIGITS = 8;
/** A bundle has one for each verb that was used; beyond that they are of versions that are gone. */
const CODE_FILES_MAX = 32;
/** Of V8's pointers. */
const CODE_ALIGNMENT = 8;
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
 * The bundle: where its parts are in its file, as the record says with which it ends. In a checkout `npm ci` makes one, and it
 * counts as long as nobody has touched a file that went into it.
 */
function findBundle() {
  if (isCheckout && process.env.ORLOP_SOURCES) return undefined;
  const file = join(packageDirectory, isCheckout ? ".cache" : "dist", "cli.cjs");
  let descriptor;
  try {
    // It stays open: a part that is wanted later is one of this build, whatever has taken the place of the file by then.
    descriptor = fs.openSync(file);
    const text = (position, length) => readInto(descriptor, Buffer.allocUnsafe(length), position).latin1Slice();
    const sizeAt = fs.fstatSync(descriptor).size - RECORD_SIZE_DIGITS;
    const recordBytes = Number(text(sizeAt, RECORD_SIZE_DIGITS));
    const { build, parts, inputs } = JSON.parse(text(sizeAt - recordBytes, recordBytes));
    if (!isCheckout || inputs.every(isUntouched)) return { file, descriptor, build, parts };
  } catch (error) {
    if (!isCheckout) throw error;
  }
  if (descriptor !== undefined) fs.closeSync(descriptor);
  return undefined;
}

function readInto(descriptor, bytes, position) {
  for (let done = 0; done < bytes.length; ) {
    const got = fs.readSync(descriptor, bytes, done, bytes.length - done, position + done);
    if (got === 0) throw new Error("the bundle ends too early");
    done += got;
  }
  return bytes;
}

/** The time of the last change cannot be set, and everything that changes what is in a file sets it. */
function isUntouched([path, size, changedMs]) {
  const stat = fs.statSync(`${checkout}/${path}`, { throwIfNoEntry: false });
  return stat !== undefined && stat.size === size && stat.ctimeMs === changedMs;
}

/**
 * Runs the parts of the bundle that were used when the same command ran before, with what V8 compiled of them then. Node's own
 * compile cache keeps a module as it is before it runs, which leaves out nearly all of its functions.
 */
async function runBundle(bundle) {
  const keptFile = join(cacheDirectory(), "code", `${usedPart()}-${bundle.build}-${process.version}-${process.arch}`);
  const kept = parseKept(readOwn(keptFile));
  const known = new Set(kept.parts);
  const text = textOf(bundle, (name) => known.has(name));
  const script = new Script(text, { filename: bundle.file, cachedData: kept.code });
  const loaded = new Map();
  const requirePart = partLoader(bundle, script.runInThisContext(), loaded);
  process.exitCode = await requirePart(`./${bundle.parts[0][0]}`).commandLine(args);
  if (process.exitCode !== 0) return;
  const late = [...loaded.keys()].filter((name) => !known.has(name));
  // What V8 compiled is of all parts together: it is kept when there is no further one.
  if (late.length > 0) keep(keptFile, [...known, ...late]);
  else if (script.cachedDataRejected !== false && performance.now() < CODE_AGE_MAX_MS) {
    keep(keptFile, kept.parts, script.createCachedData());
  }
}

/**
 * The bundle without the parts that are not wanted, in whose place are as many lines: each line has the number that it has in the
 * file. It has only ASCII characters, which V8 keeps and reads fastest when it is told so, and is put together where V8 has
 * nothing to collect of it: of hundreds of parts, those that follow each other in the file with one call.
 */
function textOf({ parts, descriptor }, isWanted) {
  const [head, tail] = ["({\n", "})"];
  const pieces = [];
  let size = head.length;
  let isAfterWanted = false;
  for (const [name, offset, bytes, lines] of parts) {
    const wanted = isWanted(name);
    if (!wanted) size += lines;
    else if (isAfterWanted) pieces.at(-1).bytes += bytes;
    else pieces.push({ at: size, offset, bytes });
    if (wanted) size += bytes;
    isAfterWanted = wanted;
  }
  const text = Buffer.allocUnsafe(size + tail.length).fill("\n");
  text.latin1Write(head, 0);
  for (const { at, offset, bytes } of pieces) readInto(descriptor, text.subarray(at, at + bytes), offset);
  text.latin1Write(tail, size);
  return text.latin1Slice();
}

/** A `require` for parts, which loads also those that are not among the functions. */
function partLoader(bundle, functions, loaded) {
  const { file } = bundle;
  const load = (name) => {
    const { [name]: found = runLate(bundle, name) } = functions;
    const exports = {};
    loaded.set(name, exports);
    found(exports, requirePart, file, dirname(file));
    return exports;
  };
  const requirePart = (id) => {
    if (!id.startsWith("./")) return require(id);
    const name = id.slice(2);
    return loaded.get(name) ?? load(name);
  };
  return requirePart;
}

function runLate(bundle, wanted) {
  const text = textOf(bundle, (name) => name === wanted);
  return new Script(text, { filename: bundle.file }).runInThisContext()[wanted];
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

/** The names of parts on a line, and behind it what V8 compiled of them, if that is there: V8 makes a copy unless it is aligned. */
function parseKept(bytes = Buffer.from("[]\n")) {
  const end = bytes.indexOf("\n");
  const code = bytes.subarray(end + 1);
  return { parts: JSON.parse(bytes.subarray(0, end)), code: code.length > 0 ? code : undefined };
}

/** Whole or not at all, also when the machine loses power: V8 does not check what it is given. */
function keep(file, parts, code = Buffer.alloc(0)) {
  const directory = dirname(file);
  const temporary = `${file}.${process.pid}`;
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const names = JSON.stringify(parts);
    const line = `${names.padEnd(Math.ceil((names.length + 1) / CODE_ALIGNMENT) * CODE_ALIGNMENT - 1)}\n`;
    fs.writeFileSync(temporary, Buffer.concat([Buffer.from(line), code]), {
      mode: 0o600,
      flag: "wx",
      flush: true,
    });
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
