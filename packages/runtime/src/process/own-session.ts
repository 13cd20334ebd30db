import type { Supervision } from "./supervision.ts";

/** In the child: a session of its own, and an empty keyring, so that the caller's keys stay with the caller. */
export function emitOwnSession({ p, keepKeyring = false }: Supervision, id: string): void {
  p.step({
    action: keepKeyring ? "lead a session of its own" : "lead a session of its own, with a keyring of its own",
    why: keepKeyring ? undefined : "keys of the caller stay with the caller",
  });
  p.call("setsid", []);
  if (!keepKeyring) emitOwnKeyring({ p }, id);
}

/** Leaves the caller's session keyring, where the kernel has some and lets this process. */
export function emitOwnKeyring({ p }: Pick<Supervision, "p">, id: string): void {
  const keyring = p.text(`_ses.${id}`);
  p.call("keyctl", [p.flags("KEYCTL_JOIN_SESSION_KEYRING"), keyring, 0, 0, 0], { ignore: ["ENOSYS", "EPERM"] });
}
