import { OrlopError } from "@orlop/core";

/**
 * The socket paths of a server address (D-Bus specification, "Server Addresses"), in order of preference, for
 * node:net: `unix:path=/run/dbus/system_bus_socket;unix:abstract=/tmp/x`. Abstract names begin with a null
 * character. Other transports are passed over.
 *
 * Throws OrlopError("unsupported") when no part names a Unix socket.
 */
export function parseDBusAddress(address: string): string[] {
  const paths: string[] = [];
  for (const part of address.split(";")) {
    const at = part.indexOf(":");
    if (part.slice(0, at) !== "unix") continue;
    const pairs = new Map(
      part
        .slice(at + 1)
        .split(",")
        .map((pair) => pair.split("=", 2) as [string, string]),
    );
    const path = pairs.get("path");
    const abstract = pairs.get("abstract");
    if (path !== undefined) paths.push(unescapeValue(path));
    else if (abstract !== undefined) paths.push(`\0${unescapeValue(abstract)}`);
  }
  if (paths.length > 0) return paths;
  throw new OrlopError("unsupported", `Cannot connect to D-Bus address "${address}": it names no Unix socket`, {
    operation: "connect to D-Bus",
  });
}

function unescapeValue(text: string): string {
  const bytes = text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
