import type { LinuxHugepageLimit } from "@orlop/core";
import type { WriteCgroupFile } from "../cgroup-plan.ts";
import { bytesInWords, type ResourceContext, refuse, resourceTarget, resourceWrite } from "./resource-context.ts";

/** Carries out `linux.resources.hugepageLimits` (config-linux.md, "Huge page limits"). */
export function planHugetlb(limits: readonly LinuxHugepageLimit[], context: ResourceContext): WriteCgroupFile[] {
  return limits.flatMap((limit, index) => planLimit(limit, `hugepageLimits[${index}]`, context));
}

/** Reservations are what the spec wants limited; the limit of use catches pages that nobody reserved. */
function planLimit(limit: LinuxHugepageLimit, field: string, context: ResourceContext): WriteCgroupFile[] {
  if (!/^[1-9][0-9]*(KB|MB|GB)$/.test(limit.pageSize)) {
    throw refuse("invalid", `${field}.pageSize`, limit.pageSize, 'it is written like "64KB", "2MB" or "1GB"');
  }
  const target = resourceTarget(context, "hugetlb", "hugepageLimits", limit);
  const suffix = target.version === 1 ? "limit_in_bytes" : "max";
  const amount = bytesInWords(limit.limit);
  return [
    resourceWrite(
      target,
      field,
      `hugetlb.${limit.pageSize}.${suffix}`,
      `${limit.limit}`,
      `Limits the use of ${limit.pageSize} pages to ${amount}`,
    ),
    resourceWrite(
      target,
      field,
      `hugetlb.${limit.pageSize}.rsvd.${suffix}`,
      `${limit.limit}`,
      `Limits reservations of ${limit.pageSize} pages to ${amount}`,
      { tolerate: [{ errno: "ENOENT", because: "kernels before 5.7 do not limit reservations" }] },
    ),
  ];
}
