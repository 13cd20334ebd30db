import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, realpath, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { OrlopError } from "@orlop/core";
import { authMembers, parseAuthDocument } from "./auth-document.ts";
import { authKeyOf, isAuthKeyOf, scopeOf } from "./auth-keys.ts";
import { CredentialHelper } from "./credential-program.ts";
import { readAuthFile } from "./read-auth-file.ts";

interface PasswordCredential {
  readonly username: string;
  readonly password: string;
}

/** Where a credential went: a file, or a helper's keeping. */
export type StoredWhere = { readonly file: string } | { readonly helper: string };

/**
 * Keeps a credential for a registry in a file of docker's form, or with the helper that the file names for it.
 *
 * @throws OrlopError
 */
export async function storeCredential(
  path: string,
  registry: string,
  { username, password }: PasswordCredential,
  env: NodeJS.ProcessEnv = process.env,
): Promise<StoredWhere> {
  const file = await openAuthFile(path);
  const key = authKeyOf(registry);
  const helper = file.helperOf(registry);
  const auths = { ...file.auths };
  for (const other of Object.keys(auths)) if (isAuthKeyOf(other, registry)) delete auths[other];
  if (helper !== undefined) {
    await new CredentialHelper(helper, env).store(key, username, password);
    // By this docker knows which registries it is logged in to.
    await writeAuthFile(file.path, { ...file.members, auths: { ...auths, [key]: {} } });
    return { helper };
  }
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  await writeAuthFile(file.path, { ...file.members, auths: { ...auths, [key]: { auth } } });
  return { file: path };
}

/** Forgets what is kept for a registry. @returns whether anything was @throws OrlopError */
export async function eraseCredential(
  path: string,
  registry: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<boolean> {
  if ((await readAuthFile(path)) === undefined) return false;
  const file = await openAuthFile(path);
  const keys = Object.keys(file.auths).filter((key) => isAuthKeyOf(key, registry));
  const helper = file.helperOf(registry);
  const kept = helper === undefined ? undefined : new CredentialHelper(helper, env);
  const isKept = kept !== undefined && (keys.length > 0 || (await kept.get(authKeyOf(registry))) !== undefined);
  if (isKept) await kept.erase(authKeyOf(registry));
  if (keys.length === 0) return isKept;
  const auths = { ...file.auths };
  for (const key of keys) delete auths[key];
  await writeAuthFile(file.path, { ...file.members, auths });
  return true;
}

/**
 * Forgets all that a file keeps, and what the helpers that it names keep for the registries that it names.
 *
 * @returns of what anything was kept: registries, and parts of them
 * @throws OrlopError
 */
export async function eraseAllCredentials(
  path: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<readonly string[]> {
  const text = await readAuthFile(path);
  if (text === undefined) return [];
  const { keys, helpers } = parseAuthDocument(path, text);
  const erased: string[] = [];
  for (const scope of new Set([...keys, ...helpers.keys()].map(scopeOf))) {
    if (await eraseCredential(path, scope, env)) erased.push(scope);
  }
  return erased;
}

interface AuthFile {
  /** Where it is, behind links: users keep it elsewhere and link to it. */
  readonly path: string;
  readonly members: Readonly<Record<string, unknown>>;
  readonly auths: Readonly<Record<string, unknown>>;
  helperOf(registry: string): string | undefined;
}

async function openAuthFile(path: string): Promise<AuthFile> {
  const real = await realpath(path).catch(() => path);
  let text = "";
  try {
    text = await readFile(real, "utf8");
  } catch (error) {
    // What is there and cannot be read is not replaced.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw failed("read", path, error);
  }
  const members = authMembers(path, text);
  const { helpers, store } = parseAuthDocument(path, text);
  return {
    path: real,
    members,
    auths: (members.auths ?? {}) as Readonly<Record<string, unknown>>,
    helperOf: (registry) => [...helpers].find(([key]) => isAuthKeyOf(key, registry))?.[1] ?? store,
  };
}

/** Whole or not at all, and readable for its owner alone from its first byte on. */
async function writeAuthFile(path: string, members: Readonly<Record<string, unknown>>): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(`${JSON.stringify(members, undefined, "\t")}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw failed("write", path, error);
  }
}

function failed(what: "read" | "write", path: string, error: unknown): OrlopError {
  const { message } = error as Error;
  return new OrlopError("failed", `Cannot ${what} credentials "${path}": ${message}`, {
    operation: `${what} credentials`,
    cause: error,
  });
}
