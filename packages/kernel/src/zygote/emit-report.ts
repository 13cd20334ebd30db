import { CONTROL_FD } from "../machine/memory-layout.ts";
import type { ProgramBuilder, Value } from "../program/builder.ts";
import type { Pointer } from "../program/instruction.ts";
import { REPORT, type ReportKind, reportKind } from "./report.ts";

/** Memory for reports of one process of a program. */
export function reportBuffer(p: ProgramBuilder): Pointer {
  return p.struct(REPORT, { length: REPORT.size });
}

interface ReportFields {
  readonly index?: Value;
  readonly value?: Value;
}

/** Fills in `buffer` and sends it to whoever holds the other end, which may be gone: a report is never a reason to fail. */
export function emitReport(p: ProgramBuilder, buffer: Pointer, kind: ReportKind, fields: ReportFields = {}): void {
  emitFillReport(p, buffer, kind, fields);
  p.call("sendto", [CONTROL_FD, buffer, REPORT.size, p.flags("MSG_NOSIGNAL"), 0, 0], { ignore: "any" });
}

/** Fills in `buffer`, for a report that goes another way. */
export function emitFillReport(p: ProgramBuilder, buffer: Pointer, kind: ReportKind, fields: ReportFields = {}): void {
  const { offset } = REPORT.fields.request;
  p.store(buffer.at(offset), 4, p.request);
  p.store(buffer.at(REPORT.fields.kind.offset), 4, p.number(reportKind(kind), kind));
  if (fields.index !== undefined) p.store(buffer.at(REPORT.fields.index.offset), 4, fields.index);
  if (fields.value !== undefined) p.store(buffer.at(REPORT.fields.value.offset), 8, fields.value);
}
