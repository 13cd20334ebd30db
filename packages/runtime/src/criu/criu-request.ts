// table: the fields of CRIU's requests, by number
/** Values of `criu_req_type` that we send. */
const REQUEST_TYPES = { dump: 1, restore: 2, preDump: 4, notify: 6 } as const;
type CriuRequestType = Exclude<keyof typeof REQUEST_TYPES, "notify">;

/** Values of `criu_cg_mode`. */
export const CGROUP_MODES = { ignore: 0, soft: 3, full: 4, strict: 5 } as const;

/** What CRIU is asked for: scalar fields of `criu_opts` under our names. */
interface ScalarOptions {
  readonly imagesDirFd?: number;
  readonly pid?: number;
  readonly leaveRunning?: boolean;
  readonly extUnixSk?: boolean;
  readonly tcpEstablished?: boolean;
  readonly evasiveDevices?: boolean;
  readonly shellJob?: boolean;
  readonly fileLocks?: boolean;
  readonly logLevel?: number;
  readonly logFile?: string;
  readonly notifyScripts?: boolean;
  readonly root?: string;
  readonly parentImg?: string;
  readonly trackMem?: boolean;
  readonly autoDedup?: boolean;
  readonly workDirFd?: number;
  readonly linkRemap?: boolean;
  readonly manageCgroups?: boolean;
  readonly rstSibling?: boolean;
  readonly manageCgroupsMode?: number;
  readonly external?: readonly string[];
  /** CLONE_ flags. */
  readonly emptyNs?: number;
  readonly freezeCgroup?: string;
  readonly tcpSkipInFlight?: boolean;
  readonly lazyPages?: boolean;
  readonly orphanPtsMaster?: boolean;
  readonly configFile?: string;
  readonly tcpClose?: boolean;
  readonly lsmProfile?: string;
  readonly lsmMountContext?: string;
}

/** And those that are messages. */
export interface CriuOptions extends ScalarOptions {
  readonly ps?: { readonly address: string; readonly port: number };
  readonly cgRoot?: readonly { readonly ctrl: string; readonly path: string }[];
  readonly inheritFd?: readonly { readonly key: string; readonly fd: number }[];
  readonly joinNs?: readonly { readonly ns: string; readonly nsFile: string }[];
}

/** Numbers of fields, images/rpc.proto of CRIU. */
type Numbers<Message> = Readonly<Record<keyof Message & string, number>>;

const OPTIONS: Numbers<ScalarOptions> = {
  imagesDirFd: 1,
  pid: 2,
  leaveRunning: 3,
  extUnixSk: 4,
  tcpEstablished: 5,
  evasiveDevices: 6,
  shellJob: 7,
  fileLocks: 8,
  logLevel: 9,
  logFile: 10,
  notifyScripts: 12,
  root: 13,
  parentImg: 14,
  trackMem: 15,
  autoDedup: 16,
  workDirFd: 17,
  linkRemap: 18,
  manageCgroups: 24,
  rstSibling: 26,
  manageCgroupsMode: 34,
  external: 37,
  emptyNs: 38,
  freezeCgroup: 44,
  tcpSkipInFlight: 46,
  lazyPages: 48,
  orphanPtsMaster: 50,
  configFile: 51,
  tcpClose: 52,
  lsmProfile: 53,
  lsmMountContext: 63,
};
const MESSAGES: Numbers<Omit<CriuOptions, keyof ScalarOptions>> = { ps: 11, cgRoot: 25, inheritFd: 27, joinNs: 39 };
const PAGE_SERVER: Numbers<NonNullable<CriuOptions["ps"]>> = { address: 1, port: 2 };
const CGROUP_ROOT: Numbers<NonNullable<CriuOptions["cgRoot"]>[number]> = { ctrl: 1, path: 2 };
const INHERIT_FD: Numbers<NonNullable<CriuOptions["inheritFd"]>[number]> = { key: 1, fd: 2 };
const JOIN_NAMESPACE: Numbers<NonNullable<CriuOptions["joinNs"]>[number]> = { ns: 1, nsFile: 2 };

/** A `criu_req` in protobuf, its fields in the order of their numbers. */
export function encodeCriuRequest(type: CriuRequestType, options: CriuOptions): Buffer {
  const { ps, cgRoot = [], inheritFd = [], joinNs = [], ...scalars } = options;
  const opts = [
    ...encodeFields(OPTIONS, scalars),
    ...(ps === undefined ? [] : [lengthed(MESSAGES.ps, joined(encodeFields(PAGE_SERVER, ps)))]),
    ...cgRoot.map((each) => lengthed(MESSAGES.cgRoot, joined(encodeFields(CGROUP_ROOT, each)))),
    ...inheritFd.map((each) => lengthed(MESSAGES.inheritFd, joined(encodeFields(INHERIT_FD, each)))),
    ...joinNs.map((each) => lengthed(MESSAGES.joinNs, joined(encodeFields(JOIN_NAMESPACE, each)))),
  ];
  return joined([scalar(1, REQUEST_TYPES[type]), lengthed(2, joined(opts))]);
}

/** What CRIU waits for after each thing that it tells: a request of type NOTIFY with `notify_success`. */
export const CRIU_GO_ON: Buffer = joined([scalar(1, REQUEST_TYPES.notify), scalar(3, 1)]);

interface EncodedField {
  readonly number: number;
  readonly bytes: Buffer;
}

function encodeFields<Message extends object>(numbers: Numbers<Message>, message: Message): readonly EncodedField[] {
  return Object.entries<number>(numbers).flatMap(([name, number]) => {
    const value = message[name as keyof Message] as number | boolean | string | readonly string[] | undefined;
    if (value === undefined) return [];
    if (typeof value === "number" || typeof value === "boolean") return [scalar(number, Number(value))];
    return [value].flat().map((text) => lengthed(number, Buffer.from(text)));
  });
}

function joined(fields: readonly EncodedField[]): Buffer {
  return Buffer.concat(fields.toSorted((a, b) => a.number - b.number).map(({ bytes }) => bytes));
}

/** Wire types of protobuf: 0 for a varint, 2 for what has its length before it. */
function scalar(number: number, value: number): EncodedField {
  return { number, bytes: Buffer.concat([varint(number * 8), varint(value)]) };
}

function lengthed(number: number, content: Buffer): EncodedField {
  return { number, bytes: Buffer.concat([varint(number * 8 + 2), varint(content.length), content]) };
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
