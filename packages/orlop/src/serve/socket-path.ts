import { OrlopError } from "@orlop/core";

/**
 * The path of a socket in an address as containerd writes it: `unix:///run/x.sock`, or the path alone.
 *
 * @throws OrlopError `invalid`
 */
export function socketPath(address: string): string {
  const path = address.replace(/^unix:\/\//, "");
  if (path.startsWith("/")) return path;
  throw new OrlopError("invalid", `Cannot use address "${address}": it is no unix:// with an absolute path`);
}
