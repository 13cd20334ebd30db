import type { MessageType } from "../request.ts";

// table: RTM_ message types, linux/rtnetlink.h
const type = (name: string, number: number): MessageType => ({ name, number });

export const RTM_NEWLINK: MessageType = type("RTM_NEWLINK", 16);
export const RTM_DELLINK: MessageType = type("RTM_DELLINK", 17);
export const RTM_GETLINK: MessageType = type("RTM_GETLINK", 18);
export const RTM_SETLINK: MessageType = type("RTM_SETLINK", 19);
export const RTM_NEWADDR: MessageType = type("RTM_NEWADDR", 20);
export const RTM_DELADDR: MessageType = type("RTM_DELADDR", 21);
export const RTM_GETADDR: MessageType = type("RTM_GETADDR", 22);
export const RTM_NEWROUTE: MessageType = type("RTM_NEWROUTE", 24);
export const RTM_DELROUTE: MessageType = type("RTM_DELROUTE", 25);
export const RTM_GETROUTE: MessageType = type("RTM_GETROUTE", 26);
export const RTM_NEWNEIGH: MessageType = type("RTM_NEWNEIGH", 28);
export const RTM_DELNEIGH: MessageType = type("RTM_DELNEIGH", 29);
export const RTM_GETNEIGH: MessageType = type("RTM_GETNEIGH", 30);
export const RTM_NEWRULE: MessageType = type("RTM_NEWRULE", 32);
export const RTM_DELRULE: MessageType = type("RTM_DELRULE", 33);
export const RTM_GETRULE: MessageType = type("RTM_GETRULE", 34);
export const RTM_NEWLINKPROP: MessageType = type("RTM_NEWLINKPROP", 108);
export const RTM_DELLINKPROP: MessageType = type("RTM_DELLINKPROP", 109);
