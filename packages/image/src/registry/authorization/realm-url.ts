import { OrlopError } from "@orlop/core";
import { printable } from "../answer-error.ts";
import { isLoopback } from "../is-loopback.ts";

interface RealmOptions {
  /** Where the registry, whose word it is, was asked. */
  readonly registry: URL;
  /** The user has said that this registry is spoken to without TLS. */
  readonly isPlainByChoice: boolean;
}

/**
 * Where a registry has its tokens given out. Credentials go there, so that it has to be a web server over TLS; in plain text
 * only where the registry itself is: on its own host or this machine, elsewhere when the user chose plain text.
 *
 * Which host that is the registry decides, as docker.io does with auth.docker.io: it is asked over TLS, and what it gets is
 * only what is kept for it. Never does a host decide that we were only sent to (CVE-2020-15157).
 *
 * @throws OrlopError `denied`
 */
export function realmUrl(doing: string, realm: string, { registry, isPlainByChoice }: RealmOptions): URL {
  const refuse = (problem: string): OrlopError =>
    new OrlopError(
      "denied",
      `Cannot ${doing}: ${registry.host} has tokens given out at "${printable(realm)}", ${problem}`,
      {
        operation: "authorize with a registry",
      },
    );
  const url = URL.parse(realm);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) throw refuse("which is no web server");
  if (url.username !== "" || url.password !== "") throw refuse("which has a user of its own");
  url.hash = "";
  if (url.protocol === "https:") return url;
  if (registry.protocol === "https:") throw refuse("which is not over TLS");
  if (isPlainByChoice || url.hostname === registry.hostname || isLoopback(url.hostname)) return url;
  throw refuse("which is on another host and not over TLS");
}
