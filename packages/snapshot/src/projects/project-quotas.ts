import {
  type ConstantName,
  FS_DISK_QUOTA,
  FS_QUOTA_STATV,
  FSXATTR,
  type ProgramBuilder,
  type Slot,
} from "@orlop/kernel";
import { openDirectory } from "../system/open-directory.ts";
import type { SystemCalls } from "../system/system-calls.ts";

/** Of struct fs_disk_quota. */
const BLOCK_BYTES = 512;

/** FS_QUOTA_PDQ_ACCT | FS_QUOTA_PDQ_ENFD: projects are counted, and held to their limits. */
const ENFORCED = 16 + 32;

type ProjectQuotaMode = "off" | "counted" | "enforced";

/**
 * Quotas of projects (quotactl(2), ext4(5), xfs_quota(8)): what is written counts for the project of its file, which it has
 * from the directory that it was made in. ext4 and xfs answer the same calls; quotactl_fd(2) is of Linux 5.14.
 */
export class ProjectQuotas {
  readonly #system: SystemCalls;

  constructor(system: SystemCalls) {
    this.#system = system;
  }

  /** Of the file system that a directory is on. */
  async mode(directory: string): Promise<ProjectQuotaMode> {
    const flags = await this.#system.ask(`look for the project quotas of "${directory}"`, (p) => {
      const [answer, off] = [p.slot("flags"), p.label("off")];
      p.set(answer, 0);
      const state = p.struct(FS_QUOTA_STATV, { qs_version: p.flags("FS_QSTATV_VERSION1") });
      const any = openDirectory(p, directory, "directory");
      // Not known, not of this file system, not on, not for whoever is in a sandbox.
      const none = { on: ["ENOSYS", "EINVAL", "ESRCH", "EPERM"], goto: off };
      p.call("quotactl_fd", [any, quotaCommand(p, "Q_XGETQSTATV"), 0, state], none);
      p.load(answer, state.at(FS_QUOTA_STATV.fields.qs_flags.offset), 2);
      p.and(answer, answer, p.flags("FS_QUOTA_PDQ_ACCT|FS_QUOTA_PDQ_ENFD"));
      p.mark(off);
      return answer;
    });
    if (flags === 0) return "off";
    return flags === ENFORCED ? "enforced" : "counted";
  }

  /** The project that what is made in a directory will be of; 0 for none. */
  async inherited(directory: string): Promise<number> {
    return await this.#system.ask(`look for the project of "${directory}"`, (p) => {
      const [id, flags, none] = [p.slot("id"), p.slot("flags"), p.label("none")];
      const attributes = readAttributes(p, openDirectory(p, directory, "directory"));
      p.load(id, attributes.at(FSXATTR.fields.fsx_projid.offset), 4);
      p.load(flags, attributes.at(FSXATTR.fields.fsx_xflags.offset), 4);
      p.and(flags, flags, p.flags("FS_XFLAG_PROJINHERIT"));
      p.branch(flags, "ne", 0, none);
      p.set(id, 0);
      p.mark(none);
      return id;
    });
  }

  /** Whether there is anything of a project on the file system of a directory: files, or a limit. */
  async isUsed(directory: string, id: number): Promise<boolean> {
    const fields = ["d_blk_hardlimit", "d_blk_softlimit", "d_ino_hardlimit", "d_ino_softlimit", "d_bcount", "d_icount"];
    const sum = await this.#system.ask(`look for project ${id} of "${directory}"`, (p) => {
      const [answer, value, none] = [p.slot("sum"), p.slot("value"), p.label("none")];
      p.set(answer, 0);
      const quota = readQuota(p, openDirectory(p, directory, "directory"), id, none);
      for (const field of fields as readonly (keyof typeof FS_DISK_QUOTA.fields)[]) {
        p.load(value, quota.at(FS_DISK_QUOTA.fields[field].offset), 8);
        p.add(answer, answer, value);
      }
      p.mark(none);
      return answer;
    });
    return sum !== 0;
  }

  /** Directories with nothing in them, and what will be made in them, are of a project from now on. */
  async assign(paths: readonly string[], id: number): Promise<void> {
    await this.#system.run(`assign project ${id}`, (p) => {
      const flags = p.slot("flags");
      for (const path of paths) {
        p.step({ action: `assign project ${id} to "${path}"` });
        const directory = openDirectory(p, path, "directory");
        const attributes = readAttributes(p, directory);
        const flagsAt = attributes.at(FSXATTR.fields.fsx_xflags.offset);
        p.load(flags, flagsAt, 4);
        // There is no "or": what is there already is taken away first.
        p.and(flags, flags, p.number(0xffff_ffffn & ~p.flags("FS_XFLAG_PROJINHERIT").value));
        p.add(flags, flags, p.flags("FS_XFLAG_PROJINHERIT"));
        p.store(flagsAt, 4, flags);
        p.store(attributes.at(FSXATTR.fields.fsx_projid.offset), 4, id);
        p.call("ioctl", [directory, p.flags("FS_IOC_FSSETXATTR"), attributes]);
        p.call("close", [directory]);
      }
    });
  }

  /** What is of a project has at most so much more than now. */
  async limit(directory: string, id: number, moreBytes: number): Promise<void> {
    await this.#system.run(`limit project ${id} of "${directory}"`, (p) => {
      const [used, none] = [p.slot("used"), p.label("none")];
      p.set(used, 0);
      const any = openDirectory(p, directory, "directory");
      const quota = readQuota(p, any, id, none);
      p.load(used, quota.at(FS_DISK_QUOTA.fields.d_bcount.offset), 8);
      p.mark(none);
      p.add(used, used, Math.ceil(moreBytes / BLOCK_BYTES));
      writeLimit(p, any, id, used);
    });
  }

  /** Takes the limit of a project away, if there are quotas still. */
  async lift(directory: string, id: number): Promise<void> {
    await this.#system.run(`lift the limit of project ${id} of "${directory}"`, (p) => {
      writeLimit(p, openDirectory(p, directory, "directory"), id, 0);
    });
  }
}

function quotaCommand(p: ProgramBuilder, name: ConstantName): ReturnType<ProgramBuilder["number"]> {
  return p.number((p.flags(name).value << 8n) | p.flags("PRJQUOTA").value, `QCMD(${name}, PRJQUOTA)`);
}

function readAttributes(p: ProgramBuilder, directory: Slot): ReturnType<ProgramBuilder["struct"]> {
  const attributes = p.struct(FSXATTR, {});
  p.call("ioctl", [directory, p.flags("FS_IOC_FSGETXATTR"), attributes]);
  return attributes;
}

/** Goes on at `none` where nothing is known of the project. */
function readQuota(
  p: ProgramBuilder,
  directory: Slot,
  id: number,
  none: ReturnType<ProgramBuilder["label"]>,
): ReturnType<ProgramBuilder["struct"]> {
  const quota = p.struct(FS_DISK_QUOTA, {});
  p.call("quotactl_fd", [directory, quotaCommand(p, "Q_XGETQUOTA"), id, quota], { on: ["ENOENT"], goto: none });
  return quota;
}

/** `blocks` is 0 for none; then it is ignored where there are no quotas any more. */
function writeLimit(p: ProgramBuilder, directory: Slot, id: number, blocks: Slot | 0): void {
  const quota = p.struct(FS_DISK_QUOTA, {
    d_version: p.flags("FS_DQUOT_VERSION"),
    d_flags: p.flags("FS_PROJ_QUOTA"),
    d_fieldmask: p.flags("FS_DQ_BSOFT|FS_DQ_BHARD"),
    d_id: id,
  });
  p.store(quota.at(FS_DISK_QUOTA.fields.d_blk_hardlimit.offset), 8, blocks);
  const ignore = blocks === 0 ? ["ENOENT", "ESRCH", "ENOSYS", "EINVAL"] : [];
  p.call("quotactl_fd", [directory, quotaCommand(p, "Q_XSETQLIM"), id, quota], { ignore });
}
