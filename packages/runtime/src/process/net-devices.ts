import { OrlopError } from "@orlop/core";
import { type Label, type Pointer, type Slot, sha256Hex } from "@orlop/kernel";
import { NETLINK_GET_STRICT_CHK, SOL_NETLINK } from "@orlop/kernel/netlink";
import { changeLink, getLink, listAddresses } from "@orlop/kernel/rtnetlink";
import type { Compilation } from "./compilation.ts";
import {
  ADDRESSES_MAX_BYTES,
  emitAnswer,
  emitAsk,
  emitKeepAddresses,
  emitLinkAnswer,
  emitNoLinkAnswer,
  emitPlaceAddresses,
  type NetlinkTalk,
  netlinkTalk,
} from "./net-device-messages.ts";
import { emitReceiveDescriptor, emitSendDescriptor } from "./send-descriptor.ts";
import { emitAwaitLeave } from "./supervision.ts";

/** A device that the container gets, and what is known of it while the program runs. */
interface Device {
  readonly name: string;
  readonly newName: string;
  /** The kernel is to find a free name: `eth%d`. */
  readonly template: boolean;
  readonly field: string;
  readonly index: Slot;
  readonly flags: Slot;
  readonly addresses: Pointer;
  readonly addressBytes: Slot;
  /** Handler of what fails when the device is inside. */
  readonly failed: Label;
}

const IFF_UP = 1;

/** Interface names have at most 15 characters: include/uapi/linux/if.h, IFNAMSIZ. */
const NAME_MAX_BYTES = 15;

function devicesOf(c: Compilation): readonly (readonly [string, string])[] {
  const devices = Object.entries(c.plan.request.spec.linux?.netDevices ?? {});
  return devices.map(([name, { name: inside = "" }]) => [name, inside === "" ? name : inside]);
}

/** The decoder refuses such a config; a spec that was built in memory comes here unseen. */
export function checkNetDevices(c: Compilation): void {
  const [first] = devicesOf(c);
  if (first === undefined || c.namespaces.has("network")) return;
  throw new OrlopError("invalid", `Cannot move network device "${first[0]}": the container has no network namespace`, {
    field: "linux.netDevices",
  });
}

/** In the reaper, while it is in the host's network namespace. */
export function emitOpenHostNetwork(c: Compilation): void {
  if (devicesOf(c).length === 0) return;
  const { p } = c;
  p.step({ action: "open the host's network", field: "linux.netDevices" });
  const socket = p.slot("host_network");
  emitRouteSocket(c, socket);
  // Without it the kernel would list the addresses of every device.
  const level = p.number(SOL_NETLINK, "SOL_NETLINK");
  const strict = p.number(NETLINK_GET_STRICT_CHK, "NETLINK_GET_STRICT_CHK");
  p.call("setsockopt", [socket, level, strict, p.bytes(Buffer.from([1, 0, 0, 0]), "[1]"), 4]);
  const namespace = p.slot("host_network_namespace");
  const path = p.text("/proc/self/ns/net");
  p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: namespace });
}

function emitRouteSocket({ p }: Compilation, into: Slot): void {
  p.call("socket", [p.flags("AF_NETLINK"), p.flags("SOCK_RAW|SOCK_CLOEXEC"), p.flags("NETLINK_ROUTE")], { into });
}

/** In init: shows the reaper the container's network, and waits for its devices, which sysctls may be about. */
export function emitAwaitNetDevices(c: Compilation): void {
  if (devicesOf(c).length === 0) return;
  const { p } = c;
  const socket = p.slot("socket");
  p.step({ action: "wait for the network devices", field: "linux.netDevices" });
  emitRouteSocket(c, socket);
  emitSendDescriptor(c, socket);
  p.call("close", [socket]);
  emitAwaitLeave(c);
}

/**
 * In the reaper: moves devices into the container's network namespace, with their addresses, and brings them up
 * (config-linux.md, "Network Devices"). Nothing is moved before everything is known to be there and every name to be free;
 * what fails later brings back what was moved, because a virtual device would end with the namespace.
 */
export function emitMoveNetDevices(c: Compilation): void {
  const { p } = c;
  const named = devicesOf(c);
  if (named.length === 0) return;
  const talk = netlinkTalk(p);
  const devices = named.map(([name, newName], number) => plannedDevice(c, name, newName, number));
  p.step({ action: "receive the container's network", field: "linux.netDevices" });
  emitReceiveDescriptor(c, p.slot("container_network"));
  for (const device of devices) emitExamine(talk, device);
  for (const device of devices) emitMove(c, talk, device);
  const moved = p.label("devices are moved");
  p.jump(moved);
  emitBringBackAll(c, talk, devices);
  p.mark(moved);
  p.handler(c.labels.reaperFailed);
  p.step({ action: "let the container go on with its network devices", field: "linux.netDevices" });
  for (const name of ["container_network", "host_network", "host_network_namespace"]) p.call("close", [p.slot(name)]);
  p.call("write", [c.slots.syncReaper, p.text("."), 1]);
}

function plannedDevice({ p }: Compilation, name: string, newName: string, number: number): Device {
  return {
    name,
    newName,
    template: newName.includes("%"),
    field: `linux.netDevices.${name}`,
    index: p.slot(`index of device ${number}`),
    flags: p.slot(`flags of device ${number}`),
    addresses: p.buffer(ADDRESSES_MAX_BYTES, `<addresses of ${name}>`),
    addressBytes: p.slot(`addresses of device ${number}`),
    failed: p.label(`${name} fails inside`),
  };
}

function emitExamine(talk: NetlinkTalk, device: Device): void {
  const { p } = talk;
  const host = p.slot("host_network");
  const { name, newName, field } = device;
  p.step({ action: `find network device "${name}"`, field });
  emitAsk(talk, host, getLink(name));
  emitLinkAnswer(talk, host, device.index, device.flags);
  emitAsk(talk, host, listAddresses({ index: 1 }), { ifa_index: device.index });
  emitKeepAddresses(talk, host, device);
  if (device.template) return;
  p.step({ action: `move network device "${name}" into the container as "${newName}"`, field });
  emitAsk(talk, p.slot("container_network"), getLink(newName));
  emitNoLinkAnswer(talk, p.slot("container_network"));
}

/** A name that nobody has, by which the device is found until the kernel has made one of the template. */
function passingName(c: Compilation, { name }: Device): string {
  return `orlop${sha256Hex(`${c.plan.request.id}/${name}`)}`.slice(0, NAME_MAX_BYTES);
}

function emitMove(c: Compilation, talk: NetlinkTalk, device: Device): void {
  const { p, slots } = c;
  const host = p.slot("host_network");
  const inside = p.slot("container_network");
  const { name, newName, template, field, index } = device;
  const arrival = template ? passingName(c, device) : newName;
  p.step({
    action: `move network device "${name}" into the container as "${newName}"`,
    field,
    why: "in one message, so that it is on one side or the other",
  });
  const move = changeLink(1, { name: arrival, netnsPid: 1 });
  emitAsk(talk, host, move, { ifi_index: index, IFLA_NET_NS_PID: slots.child });
  emitAnswer(talk, host);
  emitAsk(talk, inside, getLink(arrival));
  emitLinkAnswer(talk, inside, index, p.slot("flags_inside"));
  p.handler(device.failed);
  if (template) {
    emitAsk(talk, inside, changeLink(1, { name: newName }), { ifi_index: index });
    emitAnswer(talk, inside);
  }
  p.step({ action: `give network device "${name}" its addresses back`, field });
  emitPlaceAddresses(talk, inside, device);
  p.step({ action: `bring up network device "${name}"`, field });
  emitAsk(talk, inside, changeLink(1, { up: true }), { ifi_index: index });
  emitAnswer(talk, inside);
}

/** After a failure, of which the reaper tells when the devices are where they were: the failing one and those before it. */
function emitBringBackAll(c: Compilation, talk: NetlinkTalk, devices: readonly Device[]): void {
  const { p } = c;
  const kept = [
    [p.slot("failed_index_kept"), p.failedIndex],
    [p.slot("failed_errno_kept"), p.failedErrno],
  ] as const;
  const back = devices.map(({ name }) => p.label(`bring back ${name}`));
  const told = p.label("all that can be is back");
  p.step({ action: "keep the failure in mind", field: "linux.netDevices" });
  for (const [number, device] of devices.entries()) {
    p.mark(device.failed);
    for (const [slot, value] of kept) p.set(slot, value);
    p.jump(back[number] ?? told);
  }
  for (const [number, device] of [...devices.entries()].reverse()) {
    p.mark(back[number] ?? told);
    p.handler(back[number - 1] ?? told);
    emitBringBack(talk, device);
  }
  p.mark(told);
  p.step({ action: "tell of the failure", field: "linux.netDevices" });
  for (const [slot, value] of kept) p.set(value, slot);
  p.jump(c.labels.reaperFailed);
}

/** Puts a device back where it was, as it was. */
function emitBringBack(talk: NetlinkTalk, device: Device): void {
  const { p } = talk;
  const host = p.slot("host_network");
  const inside = p.slot("container_network");
  const down = p.label("it was down");
  const { name, field, index, flags } = device;
  p.step({ action: `bring back network device "${name}"`, field });
  const change = changeLink(1, { name, netnsFd: 1 });
  emitAsk(talk, inside, change, { ifi_index: index, IFLA_NET_NS_FD: p.slot("host_network_namespace") });
  emitAnswer(talk, inside);
  emitAsk(talk, host, getLink(name));
  emitLinkAnswer(talk, host, index, p.slot("flags_inside"));
  emitPlaceAddresses(talk, host, device);
  p.and(flags, flags, p.number(IFF_UP, "IFF_UP"));
  p.branch(flags, "eq", 0, down);
  emitAsk(talk, host, changeLink(1, { up: true }), { ifi_index: index });
  emitAnswer(talk, host);
  p.mark(down);
}
