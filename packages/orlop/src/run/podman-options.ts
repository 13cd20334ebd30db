import { OrlopError, type Platform, parsePlatform } from "@orlop/core";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { readIdFile } from "../pods/pod-verb.ts";
import { parseVariable, readEnvironmentFile, type Variable } from "./environment.ts";
import { parsePreserved } from "./kept-descriptors.ts";
import type { RequestedMount } from "./requested-mount.ts";
import type { CallerView, RunOptions } from "./run-options.ts";
import { parseTmpfs } from "./tmpfs-flag.ts";

/** What tells programs of proxies, as podman and docker pass it on. */
const PROXY_VARIABLES = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"];

/** Variables in the order in which they are set over the image's. */
export function readVariables(flags: ParsedFlags, { env }: CallerView): readonly Variable[] {
  const taken = flags.list("unsetenv").map((name) => ({ name, value: undefined }));
  const here = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
  const host = flags.isOn("env-host") ? here : [];
  const proxies = flags.isOn("http-proxy")
    ? here.filter(({ name }) => PROXY_VARIABLES.includes(name.toLowerCase()))
    : [];
  const files = flags.list("env-file").flatMap((path) => readEnvironmentFile(path, env));
  return [...taken, ...host, ...proxies, ...files, ...flags.parseAll("env", (text) => parseVariable(text, env))];
}

type PodmanOptions = Pick<
  RunOptions,
  "bareEnvironment" | "umask" | "timeZone" | "personality" | "imageVolumes" | "imageFiles" | "replace" | "preservedFds"
>;

export function readPodmanOptions(flags: ParsedFlags): PodmanOptions {
  const umask = flags.parse("umask", parseUmask);
  const timeZone = flags.parse("tz", parseTimeZone);
  const personality = flags.parse("personality", parsePersonality);
  const imageVolumes = flags.parse("image-volume", parseImageVolume);
  const preservedFds = flags.parse("preserve-fds", parsePreserved);
  const imageFiles = (["hosts", "hostname"] as const).filter((name) => flags.isOn(`no-${name}`));
  if (flags.isOn("no-hosts") && flags.has("add-host")) {
    throw new OrlopError("invalid", "--no-hosts and --add-host exclude each other");
  }
  if (flags.isOn("replace") && !flags.has("name")) {
    throw new OrlopError("invalid", "cannot replace container without --name being set");
  }
  return {
    ...(flags.isOn("unsetenv-all") ? { bareEnvironment: true } : {}),
    ...(umask === undefined ? {} : { umask }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(personality === undefined ? {} : { personality }),
    ...(imageVolumes === undefined ? {} : { imageVolumes }),
    ...(imageFiles.length === 0 ? {} : { imageFiles }),
    ...(preservedFds === undefined ? {} : { preservedFds }),
    ...(flags.isOn("replace") ? { replace: true } : {}),
  };
}

/** `--platform`, or podman's three flags for its parts. @throws OrlopError `invalid` for both */
export function readPlatform(flags: ParsedFlags, own: Platform): Platform | undefined {
  const [os, architecture, variant] = [flags.text("os"), flags.text("arch"), flags.text("variant")];
  const isParted = os !== undefined || architecture !== undefined || variant !== undefined;
  if (!isParted) return flags.parse("platform", parsePlatform);
  if (flags.has("platform")) throw new OrlopError("invalid", "--platform excludes --os, --arch and --variant");
  const parts = [os ?? own.os, architecture ?? own.architecture, ...(variant === undefined ? [] : [variant])];
  return parsePlatform(parts.join("/"));
}

/** The pod whose id a file has, where it is asked for. */
export function readPodFile(flags: ParsedFlags): string | undefined {
  const file = flags.text("pod-id-file");
  if (file === undefined) return undefined;
  if (flags.has("pod")) throw new OrlopError("invalid", "--pod and --pod-id-file exclude each other");
  return readIdFile(file);
}

/** What stands for an image where `--rootfs` says that it is a directory: podman's `DIR` is written to, and its `DIR:O` is not. */
export function rootfsReference(text: string): string {
  const [, directory = "", options] = /^(.*?)(?::([^/]*))?$/s.exec(text) ?? [];
  if (directory === "") throw new OrlopError("invalid", "a directory is required where --rootfs is given");
  if (options === undefined) return `dir:${directory}:rw`;
  if (options === "O") return `dir:${directory}`;
  throw new OrlopError("unsupported", `Cannot use root file system option "${options}": there is O`);
}

/** What a read-only container can write to, where nothing else is asked for at those places. */
export function readOnlyTmpfs(flags: ParsedFlags, mounts: readonly RequestedMount[]): readonly RequestedMount[] {
  if (!flags.isOn("read-only-tmpfs") || !flags.isOn("read-only")) return [];
  const taken = new Set(mounts.map(({ mount }) => mount.destination));
  return ["/run", "/tmp", "/var/tmp"]
    .filter((path) => !taken.has(path))
    .map((path) => parseTmpfs(`${path}:exec,dev,mode=${path === "/run" ? "755" : "1777"}`));
}

export function readCgroupSettings(flags: ParsedFlags): Pick<RunOptions["limits"], "unified"> {
  const settings = flags.parseAll("cgroup-conf", parseCgroupSetting);
  return settings.length === 0 ? {} : { unified: Object.fromEntries(settings) };
}

/** `FILE=VALUE` of version 2 of cgroups. */
function parseCgroupSetting(text: string): readonly [string, string] {
  const [, file = "", value = ""] = /^([^/=]+\.[^/=]+)=(.+)$/s.exec(text) ?? [];
  if (file !== "" && !/[\0\n]/.test(text)) return [file, value];
  throw new OrlopError("invalid", "it is FILE=VALUE, with a file of cgroup version 2 such as memory.high");
}

function parseUmask(text: string): number {
  if (/^0?[0-7]{1,3}$/.test(text)) return Number.parseInt(text, 8);
  throw new OrlopError("invalid", "it is a number of at most three octal digits, such as 0022");
}

function parseTimeZone(text: string): string {
  const isName = /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/.test(text);
  if (isName) return text;
  throw new OrlopError("invalid", "it is the name of a time zone, such as Europe/Berlin, or local");
}

function parsePersonality(text: string): "LINUX" | "LINUX32" {
  if (text === "LINUX" || text === "LINUX32") return text;
  throw new OrlopError("invalid", "it is LINUX or LINUX32");
}

function parseImageVolume(text: string): "tmpfs" | "ignore" | undefined {
  if (text === "tmpfs" || text === "ignore") return text;
  if (text === "bind" || text === "anonymous") return undefined;
  throw new OrlopError("invalid", "it is bind, tmpfs or ignore");
}
