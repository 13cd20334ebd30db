import { OrlopError } from "@orlop/core";

/** Whoever the container's program runs as. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  /** The first of them is `gid`: a program that leaves its group for another keeps what the group may not (CVE-2022-36109). */
  readonly additionalGids: readonly number[];
  /** Home directory by the root file system's /etc/passwd, `/` when it does not say. */
  readonly home: string;
}

/** The texts of the root file system's /etc/passwd and /etc/group; empty where it has none. */
interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
}

/** The kernel's (uid_t) -1 means "nobody in particular", and 2^31 on is what docker refuses. */
const ID_MAX = 2 ** 31 - 1;

/**
 * Looks up `USER[:GROUP]`, each a name or a number, as docker does: a name must be in the files, a number need not; a
 * user without a group has those that the files give him, a user with one has only that.
 *
 * @throws OrlopError `invalid`
 */
export function findUser(text: string, files: AccountFiles, groupsToAdd: readonly string[] = []): ContainerUser {
  const [userText = "", groupText = "", ...more] = text.split(":");
  if (more.length > 0) throw invalid(text, "it has more than one colon");
  const users = parsePasswd(files.passwd);
  const groups = parseGroup(files.group);
  const userId = parseId(userText);
  const wanted = userText === "" ? 0 : userId;
  const user = users.find(({ name, uid }) => name === userText || uid === wanted);
  const uid = user?.uid ?? wanted;
  if (uid === undefined) throw invalid(userText, "no matching entries in passwd file", "user");
  const added = groupsToAdd.map((name) => groupNumber(name, groups));
  if (groupText !== "") {
    const gid = groupNumber(groupText, groups);
    return { uid, gid, additionalGids: distinct([gid, ...added]), home: user?.home ?? "/" };
  }
  const memberOf = groups.filter(({ members }) => user !== undefined && members.includes(user.name));
  const gid = user?.gid ?? 0;
  return {
    uid,
    gid,
    additionalGids: distinct([gid, ...memberOf.map((group) => group.gid), ...added]),
    home: user?.home ?? "/",
  };
}

function groupNumber(text: string, groups: readonly Group[]): number {
  const id = parseId(text);
  const gid = groups.find((group) => group.name === text || group.gid === id)?.gid ?? id;
  if (gid === undefined) throw invalid(text, "no matching entries in group file", "group");
  return gid;
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** passwd(5); lines that are not of its form say nothing. */
function parsePasswd(text: string): readonly Account[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , uidText = "", gidText = "", , home = ""] = line.trim().split(":");
    const [uid, gid] = [parseId(uidText), parseId(gidText)];
    return name === "" || uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home: home || "/" }];
  });
}

/** group(5). */
function parseGroup(text: string): readonly Group[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , gidText = "", members = ""] = line.trim().split(":");
    const gid = parseId(gidText);
    return name === "" || gid === undefined ? [] : [{ name, gid, members: members.split(",") }];
  });
}

/** Digits only: CVE-2026-30892 was a lenient reading of an id. */
function parseId(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= ID_MAX ? id : undefined;
}

function distinct(ids: readonly number[]): readonly number[] {
  return [...new Set(ids)];
}

function invalid(value: string, what: string, noun = "user"): OrlopError {
  return new OrlopError("invalid", `Cannot find ${noun} "${value}": ${what}`, { field: "process.user" });
}
