import { type AuthDocument, EMPTY_AUTH_DOCUMENT, parseAuthDocument } from "./auth-document.ts";
import { authKeyOf, bestAuthKey } from "./auth-keys.ts";
import type { Credential, CredentialFinder } from "./credential.ts";
import { type CredentialFileOptions, credentialFiles } from "./credential-files.ts";
import { CredentialHelper } from "./credential-program.ts";
import { readAuthFile } from "./read-auth-file.ts";

/**
 * Finds credentials where docker and podman keep them. Within a file the helper of the registry comes before what stands in the
 * file, and that before the helper for all.
 */
export function credentialsOfUser(options: CredentialFileOptions = {}): CredentialFinder {
  const paths = credentialFiles(options);
  let documents: Promise<readonly AuthDocument[]> | undefined;
  return async (registry, repository, signal) => {
    documents ??= Promise.all(paths.map(readAuthDocument));
    for (const document of await documents) {
      const found = await credentialIn(document, registry, repository, options.env, signal);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** An absent file is an empty one. @throws OrlopError */
async function readAuthDocument(path: string): Promise<AuthDocument> {
  const text = await readAuthFile(path);
  return text === undefined ? EMPTY_AUTH_DOCUMENT : parseAuthDocument(path, text);
}

async function credentialIn(
  document: AuthDocument,
  registry: string,
  repository: string,
  env?: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Credential | undefined> {
  const own = bestAuthKey([...document.helpers.keys()], registry, repository);
  const helper = own === undefined ? undefined : document.helpers.get(own);
  if (own !== undefined && helper !== undefined) {
    const found = await new CredentialHelper(helper, env).get(own.includes("/") ? own : authKeyOf(registry), signal);
    if (found !== undefined) return found;
  }
  const key = bestAuthKey(document.keys, registry, repository);
  const found = key === undefined ? undefined : document.credential(key);
  if (found !== undefined || document.store === undefined) return found;
  return await new CredentialHelper(document.store, env).get(authKeyOf(registry), signal);
}
