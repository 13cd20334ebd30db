import { join } from "node:path";
import type { ConnectionSettings } from "../http/http-exchange.ts";
import { configError, filesEndingWith, listConfigDirectory, readConfigFile } from "./config-file.ts";

/** Certificates for one host. */
export type HostCertificates = Pick<ConnectionSettings, "ca" | "clientCertificates">;

/**
 * The names under which a directory of hosts may have one: `host:port`, or, where a colon may not stand in names of files,
 * `host_port_` (containerd, "Registry Host Namespace").
 */
function directoryNames(host: string): readonly string[] {
  const port = /^(.*):(\d+)$/.exec(host);
  return port === null ? [host] : [host, `${port[1]}_${port[2]}_`, `${port[1]}`];
}

/** The directory of a host below the first of these that has one. */
export async function findHostDirectory(
  roots: readonly string[],
  host: string,
  otherwise: readonly string[] = [],
): Promise<string | undefined> {
  const names = host.startsWith(".") || host.includes("/") ? [] : [...directoryNames(host), ...otherwise];
  for (const root of roots) {
    const found = await listConfigDirectory(root);
    const name = names.find((each) => found.includes(each));
    if (name !== undefined) return join(root, name);
  }
  return undefined;
}

/** Docker's convention: `*.crt` are authorities, `NAME.cert` and `NAME.key` the client's. @throws OrlopError */
export async function readCertificates(directory: string): Promise<HostCertificates> {
  const ca = await Promise.all((await filesEndingWith(directory, ".crt")).map(readNamed));
  const pairs = (await filesEndingWith(directory, ".cert")).map(
    (path) => [path, path.replace(/cert$/, "key")] as const,
  );
  const clientCertificates = await Promise.all(pairs.map(([certificate, key]) => readPair(certificate, key)));
  return {
    ...(ca.length === 0 ? {} : { ca }),
    ...(clientCertificates.length === 0 ? {} : { clientCertificates }),
  };
}

/** A certificate with its key, which may stand in the same file. @throws OrlopError */
export async function readPair(
  certificate: string,
  key: string = certificate,
): Promise<{ readonly certificate: string; readonly key: string }> {
  return { certificate: await readNamed(certificate), key: await readNamed(key) };
}

/** A file that has to be there. @throws OrlopError */
export async function readNamed(path: string): Promise<string> {
  const text = await readConfigFile(path);
  if (text === undefined) throw configError(path, "it does not exist");
  return text;
}
