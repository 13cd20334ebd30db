import type { ImageHealthcheck } from "@orlop/core";
import { NIL_LIST, Struct, type StructField, type Value } from "../format/template/value.ts";

/** What a config says about how health is checked, as docker's `inspect` has it; null where it says nothing. */
export function healthcheckDocument(check: ImageHealthcheck | undefined): Value {
  if (check === undefined) return null;
  const fields: Readonly<Record<string, Value>> = {
    Test: check.Test ?? NIL_LIST,
    Interval: check.Interval ?? 0,
    Timeout: check.Timeout ?? 0,
    StartPeriod: check.StartPeriod ?? 0,
    StartInterval: check.StartInterval ?? 0,
    Retries: check.Retries ?? 0,
  };
  return new Struct(Object.entries(fields).map(([name, value]): StructField => ({ name, value, omitEmpty: true })));
}
