import { homedir } from "node:os";
import { join } from "node:path";

export interface CredentialFileOptions {
  /** This file and no other. */
  readonly authFile?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The files that credentials are looked for in, the first that has one counts. What is named by the user
 * (`$REGISTRY_AUTH_FILE` too) is the only one; else docker's, and then those of podman, buildah and skopeo.
 */
export function credentialFiles({ authFile, env = process.env }: CredentialFileOptions = {}): readonly string[] {
  const named = authFile ?? given(env.REGISTRY_AUTH_FILE);
  if (named !== undefined) return [named];
  const home = given(env.HOME) ?? homedir();
  const runtime = given(env.XDG_RUNTIME_DIR) ?? `/run/containers/${process.getuid?.() ?? 0}`;
  const isShared = given(env.XDG_RUNTIME_DIR) === undefined;
  return [
    join(given(env.DOCKER_CONFIG) ?? join(home, ".docker"), "config.json"),
    // Without a runtime directory podman takes one of the machine's, which it is the only one to use.
    isShared ? join(runtime, "auth.json") : join(runtime, "containers/auth.json"),
    join(given(env.XDG_CONFIG_HOME) ?? join(home, ".config"), "containers/auth.json"),
  ];
}

function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
