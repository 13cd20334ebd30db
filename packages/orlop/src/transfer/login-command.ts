import { OrlopError } from "@orlop/core";
import { credentialFiles, credentialsOfUser, RegistryClient, storeCredential } from "@orlop/image/registry";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { printText, printWarning } from "../print.ts";
import { ask, askSecretly } from "./ask.ts";
import { CancelOnSignals } from "./cancel-on-signals.ts";
import { connectionOptions, LOGIN_FLAGS } from "./registry-flags.ts";
import { parseServer } from "./registry-server.ts";

/** A password or a token. */
const PASSWORD_MAX_BYTES = 65_536;

export const loginCommand: Command = {
  name: "login",
  usage: "[OPTIONS] [SERVER]",
  description:
    "Shows a user's password to a registry and, when it is taken, keeps it for later: with the credential helper that " +
    "docker's config.json names, or in that file, which only its owner can read. Podman's --authfile and " +
    "$REGISTRY_AUTH_FILE name another one.\n\nSERVER is the registry's name, docker.io without one.",
  examples: [
    ["orlop login registry.example", "asks for the user and the password"],
    ["pass registry | orlop login -u dev --password-stdin registry.example", "in a script"],
    ["orlop login --get-login registry.example", "whose password is kept"],
  ],
  table: {
    flagsAnywhere: true,
    flags: [
      { name: "username", short: "u", value: "NAME", help: "The user" },
      { name: "password", short: "p", value: "PASSWORD", help: "The password, which others can see in this way" },
      { name: "password-stdin", help: "Read the password from standard input" },
      { name: "get-login", help: "Show who is logged in, and do nothing else" },
      ...LOGIN_FLAGS,
    ],
    refused: [
      { name: "verbose", short: "v", isSwitch: true, reason: "the file is told in any case" },
      { name: "compat-auth-file", reason: "name the file with --authfile" },
    ],
  },
  failureExitCode: 1,
  async run(flags) {
    const registry = parseServer(flags.positional, "log in to");
    if (flags.isOn("get-login")) return await showLogin(registry, flags);
    const { username, password } = await whoIsThis(flags);
    {
      using cancel = new CancelOnSignals();
      const options = connectionOptions(flags);
      using client = new RegistryClient({ ...options, credential: { kind: "password", username, password } });
      await client.checkLogin(registry, cancel.signal);
    }
    const [file = ""] = credentialFiles(authFileOption(flags));
    const where = await storeCredential(file, registry, { username, password });
    if ("file" in where) {
      printWarning(`the password is kept unencrypted in '${where.file}': a credential helper would encrypt it`);
    }
    printText("Login Succeeded\n");
    return 0;
  },
};

/** Of the first file or helper that has something for this registry, which is the one that counts. */
async function showLogin(registry: string, flags: ParsedFlags): Promise<number> {
  const found = await credentialsOfUser(authFileOption(flags))(registry, "");
  if (found === undefined) throw new OrlopError("not-found", `Not logged in to ${registry}`);
  // A token is somebody's whom its text does not name; docker has this word for one.
  printText(`${found.kind === "password" ? found.username : "<token>"}\n`);
  return 0;
}

export function authFileOption(flags: ParsedFlags): { readonly authFile?: string } {
  const authFile = flags.text("authfile");
  return authFile === undefined ? {} : { authFile };
}

async function whoIsThis(flags: ParsedFlags): Promise<{ readonly username: string; readonly password: string }> {
  const username = flags.text("username");
  const password = flags.text("password");
  if (flags.isOn("password-stdin")) {
    if (password !== undefined)
      throw new OrlopError("invalid", "--password and --password-stdin are mutually exclusive");
    if (username === undefined) throw new OrlopError("invalid", "Must provide --username with --password-stdin");
    return checked(username, await readPassword());
  }
  if (password !== undefined) printWarning("--password on the command line is seen by others: use --password-stdin");
  if (username !== undefined && password !== undefined) return checked(username, password);
  if (!caller().isTerminal(0))
    throw new OrlopError("invalid", "Cannot perform an interactive login from a non TTY device");
  const user = username ?? (await ask("Username: "));
  return checked(user, password ?? (await askSecretly("Password: ")));
}

function checked(username: string, password: string): { readonly username: string; readonly password: string } {
  if (username === "") throw new OrlopError("invalid", "username is required");
  // RFC 7617, section 2: the password begins after the first colon.
  if (username.includes(":")) throw new OrlopError("invalid", "a username has no colon");
  if (password === "") throw new OrlopError("invalid", "password is required");
  return { username, password };
}

/** Without the line end that most programs write. */
async function readPassword(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of caller().stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > PASSWORD_MAX_BYTES)
      throw new OrlopError("invalid", `a password has at most ${PASSWORD_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}
