import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { findProgram } from "@orlop/kernel";
import { stateDirectory } from "../run/state-directory.ts";

/** Who has networks, and where. */
interface NetworkUser {
  /** Why nothing can be tried; false where it can. */
  readonly skip: string | false;
  readonly stateDirectory: string;
  /** Of unshare(1), for a machine of its own as far as the network goes. */
  readonly machine: readonly string[];
  /** Of nsenter(1), to be there, for a process of it. */
  readonly enter: (pid: number | undefined) => readonly string[];
  /** A program of the machine listens there, which containers reach by `here`; absent: on their gateway. */
  readonly outside?: { readonly address: string; readonly port: number };
  /** Ids of the processes beside the containers of a store that networks need; absent: they need none. */
  readonly beside?: (store: string) => readonly number[];
}

/** This one. */
export function networkUser(): NetworkUser {
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? ROOT : { ...ORDINARY, stateDirectory: stateDirectory(uid, process.env) };
}

const ROOT: NetworkUser = {
  skip: false,
  stateDirectory: "/run/orlop",
  machine: ["--net"],
  enter: (pid) => [`--net=/proc/${pid}/ns/net`],
};

const ORDINARY: Omit<NetworkUser, "stateDirectory"> = {
  skip: obstacle(),
  beside,
  machine: ["--user", "--map-current-user", "--keep-caps", "--net"],
  enter: (pid) => [`--user=/proc/${pid}/ns/user`, `--net=/proc/${pid}/ns/net`, "--preserve-credentials"],
  outside: { address: "192.0.2.1", port: 8099 },
};

function obstacle(): string | false {
  const programs = ["slirp4netns", "pasta"];
  if (programs.every((each) => findProgram(each) === undefined)) {
    return "needs slirp4netns, of the package of that name, or pasta, of the package passt";
  }
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    return false;
  } catch {
    return "needs /dev/net/tun, and the right to use it";
  }
}

/** Who holds the bridges of a store, who leads out of there, and who listens on ports. */
function beside(store: string): readonly number[] {
  using database = new DatabaseSync(join(store, "metadata.db"), { readOnly: true });
  const row = database.prepare("select owner from network_owner").get();
  const place = join(stateDirectory(process.getuid?.() ?? 0, process.env), "networks", String(row?.owner));
  const holder = join(place, "bridges", "holder");
  const held = existsSync(holder) ? [Number(readFileSync(holder, "utf8").split(".")[1])] : [];
  const files = readdirSync(join(place, "uplink"), { recursive: true, encoding: "utf8" });
  const pids = files.filter((name) => name.endsWith(".pid"));
  return [...held, ...pids.map((name) => Number(readFileSync(join(place, "uplink", name), "utf8")))];
}
