import { dirname } from "node:path";
import {
  BTRFS_INO_LOOKUP,
  BTRFS_QGROUP_ASSIGN,
  BTRFS_QGROUP_CREATE,
  BTRFS_QGROUP_LIMIT,
  BTRFS_QGROUP_STATUS,
  BTRFS_SEARCH,
  BTRFS_SEARCH_HEADER,
  type ConstantName,
  type Pointer,
  type ProgramBuilder,
  type Slot,
} from "@orlop/kernel";
import { openDirectory } from "../system/open-directory.ts";
import type { SystemCalls } from "../system/system-calls.ts";

/** include/uapi/linux/btrfs_tree.h, BTRFS_QGROUP_STATUS_FLAG_SIMPLE_MODE (Linux 6.7) */
const SIMPLE_MODE = 1 << 3;
/**
 * BTRFS_QGROUP_LEVEL_SHIFT: an id has its level in the upper 16 bits. Those of subvolumes are of level 0, and the others
 * have groups for members; ours have the number of the subvolume that they are for.
 */
const LEVEL_1 = 1n << 48n;
const UNLIMITED = 2n ** 64n - 1n;

type QuotaMode = "off" | "full" | "simple";

/**
 * Limits of subvolumes, by the simple quotas of btrfs (Documentation of btrfs, "Quota groups"): what is written counts for the
 * subvolume that it was written in, until it is deleted, and for those groups that this one is a member of, with its metadata.
 * A subvolume that is made in another becomes a member of the same groups, unless whoever makes it asks for others.
 */
export class QuotaGroups {
  readonly #system: SystemCalls;

  constructor(system: SystemCalls) {
    this.#system = system;
  }

  /** Of the file system that a directory is on. */
  async mode(directory: string): Promise<QuotaMode> {
    const flags = await this.#system.ask(`look for the quotas of "${directory}"`, (p) => {
      const off = p.label("off");
      const answer = p.slot("flags");
      p.set(answer, 0);
      const search = searchQuotas(p, "BTRFS_QGROUP_STATUS_KEY", 0n);
      const any = openDirectory(p, directory, "directory");
      p.call("ioctl", [any, p.flags("BTRFS_IOC_TREE_SEARCH"), search], { on: ["ENOENT"], goto: off });
      const item = BTRFS_SEARCH.fields.buf.offset + BTRFS_SEARCH_HEADER.size;
      p.load(answer, search.at(item + BTRFS_QGROUP_STATUS.fields.flags.offset), 1);
      p.mark(off);
      return answer;
    });
    if (flags === 0) return "off";
    return (flags & SIMPLE_MODE) === 0 ? "full" : "simple";
  }

  /** What is written in a subvolume, and in those that are made in it, is at most so much from now on. */
  async limit(path: string, sizeMaxBytes: number): Promise<void> {
    await this.#system.run(`limit subvolume "${path}"`, (p) => {
      const parent = openDirectory(p, dirname(path), "parent");
      const { id, group } = identify(p, path);
      createGroup(p, parent, group, true);
      const limit = p.struct(BTRFS_QGROUP_LIMIT, {
        flags: p.flags("BTRFS_QGROUP_LIMIT_MAX_RFER"),
        max_rfer: sizeMaxBytes,
      });
      p.store(limit.at(BTRFS_QGROUP_LIMIT.fields.qgroupid.offset), 8, group);
      p.call("ioctl", [parent, p.flags("BTRFS_IOC_QGROUP_LIMIT"), limit]);
      assign(p, parent, { id, group, isMember: true });
    });
  }

  /** Takes the limit of a subvolume away, of which some or nothing may be there, or the quotas may be off by now. */
  async lift(path: string): Promise<void> {
    await this.#system.run(`lift the limit of subvolume "${path}"`, (p) => {
      const [next, found, done, off] = [p.label("next"), p.label("found"), p.label("done"), p.label("off")];
      const [count, member] = [p.slot("count"), p.slot("member")];
      const { fields } = BTRFS_SEARCH;
      // Of a full one the kernel refuses this, too, when it is asked for through the subvolume itself.
      const parent = openDirectory(p, dirname(path), "parent");
      const { group } = identify(p, path);
      const search = searchQuotas(p, "BTRFS_QGROUP_RELATION_KEY", LEVEL_1 - 1n);
      for (const { offset } of [fields.min_objectid, fields.max_objectid]) p.store(search.at(offset), 8, group);
      p.mark(next);
      p.store(search.at(fields.nr_items.offset), 4, 1);
      p.call("ioctl", [parent, p.flags("BTRFS_IOC_TREE_SEARCH"), search], { on: ["ENOENT"], goto: off });
      p.load(count, search.at(fields.nr_items.offset), 4);
      p.branch(count, "ne", 0, found);
      p.jump(done);
      p.mark(found);
      p.load(member, search.at(fields.buf.offset + BTRFS_SEARCH_HEADER.fields.offset.offset), 8);
      assign(p, parent, { id: member, group, isMember: false });
      p.jump(next);
      p.mark(done);
      createGroup(p, parent, group, false);
      p.mark(off);
    });
  }
}

/** The number of a subvolume, and that of its group. */
function identify(p: ProgramBuilder, path: string): { readonly id: Slot; readonly group: Slot } {
  const [id, group] = [p.slot("id"), p.slot("group")];
  const subvolume = openDirectory(p, path, "subvolume");
  const lookup = p.struct(BTRFS_INO_LOOKUP, { objectid: p.flags("BTRFS_FIRST_FREE_OBJECTID") });
  p.call("ioctl", [subvolume, p.flags("BTRFS_IOC_INO_LOOKUP"), lookup]);
  p.load(id, lookup.at(BTRFS_INO_LOOKUP.fields.treeid.offset), 8);
  p.add(group, id, p.number(LEVEL_1));
  return { id, group };
}

/** Makes a group or removes it, if it is there. */
function createGroup(p: ProgramBuilder, parent: Slot, group: Slot, isMade: boolean): void {
  const request = p.struct(BTRFS_QGROUP_CREATE, { create: Number(isMade) });
  p.store(request.at(BTRFS_QGROUP_CREATE.fields.qgroupid.offset), 8, group);
  const ignore = isMade ? [] : ["ENOENT", "ENOTCONN"];
  p.call("ioctl", [parent, p.flags("BTRFS_IOC_QGROUP_CREATE"), request], { ignore });
}

interface Membership {
  readonly id: Slot;
  readonly group: Slot;
  readonly isMember: boolean;
}

function assign(p: ProgramBuilder, parent: Slot, { id, group, isMember }: Membership): void {
  const request = p.struct(BTRFS_QGROUP_ASSIGN, { assign: Number(isMember) });
  p.store(request.at(BTRFS_QGROUP_ASSIGN.fields.src.offset), 8, id);
  p.store(request.at(BTRFS_QGROUP_ASSIGN.fields.dst.offset), 8, group);
  // A subvolume that is gone takes what there is of it here with it at any moment.
  const ignore = isMember ? [] : ["ENOENT", "ENOTCONN"];
  p.call("ioctl", [parent, p.flags("BTRFS_IOC_QGROUP_ASSIGN"), request], { ignore });
}

/** For one item of the quota tree, of this type. */
function searchQuotas(p: ProgramBuilder, name: ConstantName, offsetMax: bigint): Pointer {
  const type = p.flags(name);
  return p.struct(BTRFS_SEARCH, {
    tree_id: p.flags("BTRFS_QUOTA_TREE_OBJECTID"),
    max_offset: offsetMax,
    max_transid: UNLIMITED,
    min_type: type,
    max_type: type,
    nr_items: 1,
  });
}
