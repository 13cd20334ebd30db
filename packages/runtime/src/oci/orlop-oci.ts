import { OrlopError } from "@orlop/core";
import { asSystemFailure } from "@orlop/kernel";
import type { GivenArguments } from "./arguments/given-arguments.ts";
import { parseArguments } from "./arguments/parse-arguments.ts";
import { type Call, NotHere } from "./call.ts";
import { callerMessage, failureExitCode } from "./error-words.ts";
import { decodeGlobalOptions, GLOBAL_FLAGS, type GlobalOptions } from "./global-options.ts";
import { goesByCrun } from "./goes-by-crun.ts";
import { Log } from "./log.ts";
import type { OciContainers, OciContainersOptions } from "./oci-containers.ts";
import { openContainers } from "./open-containers.ts";
import { toldText } from "./told-text.ts";
import type { Verb } from "./verb.ts";
import { VERBS } from "./verb-table.ts";

/** runc's exit code for a verb that is none. */
const UNKNOWN_VERB = 3;

/**
 * Carries out one call of the command `orlop-oci`, which stands in for runc, and resolves with its exit code; after a
 * program that the hands became, that is theirs and this one is nobody's. Whatever fails is told in the log and on
 * standard error.
 *
 * @param open where containers come from
 * @throws NotHere when the caller's own process has to do it; nothing has been done or said then
 */
export async function orlopOci(
  call: Call,
  open: (options: OciContainersOptions) => Promise<OciContainers> = openContainers,
): Promise<number> {
  let log = new Log({ isDebug: false, complain: (text) => call.complain(text) });
  let verbName = "";
  try {
    const given = parseArguments(GLOBAL_FLAGS, call.args, { stopAtPositional: true });
    if (given.isOn("version")) return await printVersion(call);
    const [name = "help", ...args] = given.positional;
    verbName = name;
    if (given.isHelpWanted || name === "help" || name === "h") return await printHelp(call, log, args[0]);
    const globals = decodeGlobalOptions(call, given);
    log = new Log({
      path: globals.logPath,
      format: globals.logFormat,
      isDebug: globals.isDebug,
      umask: call.umask,
      complain: (text) => call.complain(text),
    });
    return await execute(call, globals, log, name, args, open);
  } catch (error) {
    if (error instanceof NotHere) throw error;
    log.error(errorMessage(verbName, error));
    return failureExitCode(verbName);
  }
}

async function execute(
  call: Call,
  globals: GlobalOptions,
  log: Log,
  name: string,
  args: readonly string[],
  open: (options: OciContainersOptions) => Promise<OciContainers>,
): Promise<number> {
  const verb = await load(name);
  if (verb === undefined) return unknownVerb(call, log, name);
  const given = parseArguments(verb.flags, args, { stopAtPositional: verb.stopAtPositional === true });
  if (given.isHelpWanted) return await printHelp(call, log, name);
  checkWords(call, verb, given);
  log.debug(`${name} with root ${globals.root} and cgroup manager ${globals.cgroupDriver}`);
  const containers = (): Promise<OciContainers> =>
    open({
      root: globals.root,
      hands: call.hands,
      ownCgroups: call.ownCgroups,
      callerPid: call.pid,
      env: call.env,
      cgroupDriver: globals.cgroupDriver,
      rootless: globals.rootless,
      hooksInBundle: goesByCrun(call),
      listensAsCrun: goesByCrun(call),
      warn: (text) => log.warn(text),
      debug: (text) => log.debug(text),
    });
  return await verb.run({ call, given, globals, log, containers });
}

/** In runc's words, which tell how many arguments there should be. */
function checkWords({ name: command }: Call, { name, words }: Verb, { positional }: GivenArguments): void {
  const [least, most] = words;
  const wanted =
    least === most && positional.length !== least
      ? `exactly ${least}`
      : positional.length < least
        ? `a minimum of ${least}`
        : positional.length > most
          ? `a maximum of ${most}`
          : undefined;
  if (wanted === undefined) return;
  throw new OrlopError(
    "invalid",
    `${command}: "${name}" requires ${wanted} argument(s)\nTry '${command} ${name} --help'.`,
    { operation: "read command line" },
  );
}

async function load(name: string): Promise<Verb | undefined> {
  return await VERBS.find((entry) => entry.name === name)?.load();
}

async function printVersion(call: Call): Promise<number> {
  const { versionText } = await import("./version-text.ts");
  call.print(versionText(call.name));
  return 0;
}

async function printHelp(call: Call, log: Log, name: string | undefined): Promise<number> {
  const { overallHelp, verbHelp } = await import("./help-text.ts");
  const entry = VERBS.find((each) => each.name === name);
  if (name !== undefined && entry === undefined) return unknownVerb(call, log, name);
  call.print(entry === undefined ? overallHelp(call) : verbHelp(call, await entry.load(), entry.summary));
  return 0;
}

function unknownVerb({ name: command }: Call, log: Log, name: string): number {
  log.error(`No help topic for '${toldText(name)}': there is no such command\nTry '${command} --help'.`);
  return UNKNOWN_VERB;
}

function errorMessage(verb: string, error: unknown): string {
  const failure = error instanceof OrlopError ? error : asSystemFailure(error);
  if (failure !== undefined) return toldText(callerMessage(verb, failure));
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `This should not have happened: ${text}`;
}
