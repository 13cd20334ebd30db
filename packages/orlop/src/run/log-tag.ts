import { Template } from "../format/template/template.ts";
import { documentOf } from "../inspect/document-of.ts";

/** What a tag can tell, by docker's names. */
interface TagFields {
  readonly ID: string;
  readonly FullID: string;
  readonly Name: string;
  readonly ImageID: string;
  readonly ImageFullID: string;
  readonly ImageName: string;
}

/** The text of a log's tag. @throws OrlopError `invalid` for a template that is none, or names other fields */
export function logTag(template: string, fields: TagFields): string {
  return new Template(template).execute(documentOf({ ...fields, DaemonName: "orlop" }));
}
