/** What proves to a registry who is asking. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** Stands for a user where tokens are given out, and nowhere else. */
  | { readonly kind: "identity-token"; readonly token: string }
  /** Goes to the registry as it is. */
  | { readonly kind: "registry-token"; readonly token: string };

/** The credential for a repository of a registry, if there is one. @throws OrlopError */
export type CredentialFinder = (
  registry: string,
  repository: string,
  signal?: AbortSignal,
) => Promise<Credential | undefined>;
