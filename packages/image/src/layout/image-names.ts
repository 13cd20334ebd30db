import {
  ANNOTATION_REF_NAME,
  type Annotations,
  type Descriptor,
  formatReference,
  OrlopError,
  parseReference,
} from "@orlop/core";

/** containerd's name of an image, in full, beside the tag that the spec's annotation holds. */
const ANNOTATION_CONTAINERD_NAME = "io.containerd.image.name";

/** What an image of a layout or an archive is called. */
export interface ImageNames {
  /** In full; absent where there is a mere tag for it, or nothing. */
  readonly name?: string;
  /** Word for word what stands there. */
  readonly label?: string;
}

export function namesOf(annotations: Annotations | undefined): ImageNames {
  const label = annotations?.[ANNOTATION_REF_NAME];
  const name =
    annotations?.[ANNOTATION_CONTAINERD_NAME] ?? (label !== undefined && /[/:]/.test(label) ? label : undefined);
  const full = name === undefined ? undefined : fullName(name);
  return { ...(full === undefined ? {} : { name: full }), ...(label === undefined ? {} : { label }) };
}

/** In full, or undefined for what is no name of an image. */
export function fullName(name: string): string | undefined {
  try {
    return formatReference(parseReference(name));
  } catch {
    return undefined;
  }
}

export function withoutNames(descriptor: Descriptor): Descriptor {
  const { annotations = {}, ...rest } = descriptor;
  const { [ANNOTATION_REF_NAME]: _label, [ANNOTATION_CONTAINERD_NAME]: _name, ...others } = annotations;
  return Object.keys(others).length === 0 ? rest : { ...rest, annotations: others };
}

/** What may stand in the spec's annotation (annotations.md, "org.opencontainers.image.ref.name"). */
const LABEL = /^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$/;

/**
 * The members of an index with one more, or another one under a name that was there already. A full name has its tag for a
 * label, as with docker and containerd, unless another image has it, which skopeo could not tell apart then; a mere tag is
 * only a label.
 *
 * @param name absent: it has none
 * @throws OrlopError `invalid` for what is neither a name nor a tag
 */
export function withMember(
  members: readonly Descriptor[],
  name: string | undefined,
  target: Descriptor,
): readonly Descriptor[] {
  if (name === undefined) {
    return members.some(({ digest }) => digest === target.digest) ? members : [...members, withoutNames(target)];
  }
  const isTag = !/[/:@]/.test(name);
  if (isTag && !LABEL.test(name)) {
    throw new OrlopError("invalid", `Cannot name image ${JSON.stringify(name)}: it is no tag`);
  }
  const reference = isTag ? undefined : parseReference(name);
  const full = reference && formatReference(reference);
  const others = members.filter(({ annotations }) => {
    const names = namesOf(annotations);
    return full === undefined ? names.label !== name : names.name !== full;
  });
  const tag = reference === undefined ? name : reference.tag;
  const isFree = tag !== undefined && others.every(({ annotations }) => namesOf(annotations).label !== tag);
  const annotations = {
    ...withoutNames(target).annotations,
    ...(full === undefined ? {} : { [ANNOTATION_CONTAINERD_NAME]: full }),
    [ANNOTATION_REF_NAME]: isFree ? tag : (full ?? name),
  };
  return [...others, { ...target, annotations }];
}
