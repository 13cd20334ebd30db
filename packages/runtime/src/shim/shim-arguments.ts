import { OrlopError } from "@orlop/core";

/** What containerd, or a person, asks of the program (containerd, docs/runtime-v2.md, "Commands"). */
interface ShimArguments {
  readonly action: "start" | "delete" | "info" | "version" | "help";
  readonly namespace: string;
  /** Of containerd's main socket. */
  readonly address: string;
  readonly id: string;
  /** Of the container that is to be deleted; empty: the working directory. */
  readonly bundle: string;
}

const TEXTS = ["namespace", "address", "publish-binary", "id", "bundle"] as const;

const SWITCHES: Readonly<Record<string, ShimArguments["action"] | undefined>> = {
  v: "version",
  version: "version",
  info: "info",
  h: "help",
  help: "help",
  // More of what happens is not written down anywhere.
  debug: undefined,
};

/**
 * Reads flags as Go's package does, `-flag value` and `-flag=value`, with one dash or two, and the action behind them.
 *
 * @throws OrlopError `invalid`
 */
export function readShimArguments(words: readonly string[]): ShimArguments {
  const given: Partial<Record<(typeof TEXTS)[number], string>> = {};
  const rest = [...words];
  let asked: ShimArguments["action"] | undefined;
  for (let word = rest[0]; word?.startsWith("-"); word = rest[0]) {
    rest.shift();
    const [, name = "", value] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (Object.hasOwn(SWITCHES, name) && value === undefined) {
      asked ??= SWITCHES[name];
      continue;
    }
    const text = TEXTS.find((each) => each === name);
    if (text === undefined) throw refused(word, "there is no such flag");
    const content = value ?? rest.shift();
    if (content === undefined) throw refused(word, "it has no value");
    given[text] = content;
  }
  const { namespace = "", address = "", id = "", bundle = "" } = given;
  return { action: asked ?? actionOf(rest), namespace, address, id, bundle };
}

function actionOf([action, further]: readonly string[]): ShimArguments["action"] {
  if (further !== undefined) throw refused(further, "it stands behind the action");
  if (action === "start" || action === "delete") return action;
  throw refused(action ?? "", 'the actions are "start" and "delete"');
}

function refused(word: string, problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot use argument "${word}": ${problem}`);
}

export const HELP = `Usage: containerd-shim-orlop-v1 -namespace NS -address SOCKET -publish-binary PROGRAM -id ID start|delete

containerd executes this program; for that it has to be found on containerd's PATH. Then
  ctr run --runtime io.containerd.orlop.v1 IMAGE CONTAINER
has containers made by orlop, without runc.

Flags:
  -v      Print the version
  -info   Print what the runtime can do, as containerd reads it
`;
