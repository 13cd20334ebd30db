import type { MessageType } from "../request.ts";

// table: linux/netfilter/nf_tables.h and nfnetlink.h; the type's high byte is the subsystem

/** `NFNL_SUBSYS_NFTABLES` */
export const NFNL_SUBSYS_NFTABLES = 10;

/** Types below `NLMSG_MIN_TYPE` of the subsystem "none": they frame a batch. */
export const NFNL_MSG_BATCH_BEGIN: MessageType = { name: "NFNL_MSG_BATCH_BEGIN", number: 0x10 };
export const NFNL_MSG_BATCH_END: MessageType = { name: "NFNL_MSG_BATCH_END", number: 0x11 };

const type = (name: string, number: number): MessageType => ({ name, number: (NFNL_SUBSYS_NFTABLES << 8) | number });

export const NFT_MSG_NEWTABLE: MessageType = type("NFT_MSG_NEWTABLE", 0);
export const NFT_MSG_GETTABLE: MessageType = type("NFT_MSG_GETTABLE", 1);
export const NFT_MSG_DELTABLE: MessageType = type("NFT_MSG_DELTABLE", 2);
export const NFT_MSG_NEWCHAIN: MessageType = type("NFT_MSG_NEWCHAIN", 3);
export const NFT_MSG_GETCHAIN: MessageType = type("NFT_MSG_GETCHAIN", 4);
export const NFT_MSG_DELCHAIN: MessageType = type("NFT_MSG_DELCHAIN", 5);
export const NFT_MSG_NEWRULE: MessageType = type("NFT_MSG_NEWRULE", 6);
export const NFT_MSG_GETRULE: MessageType = type("NFT_MSG_GETRULE", 7);
export const NFT_MSG_DELRULE: MessageType = type("NFT_MSG_DELRULE", 8);
export const NFT_MSG_NEWSET: MessageType = type("NFT_MSG_NEWSET", 9);
export const NFT_MSG_GETSET: MessageType = type("NFT_MSG_GETSET", 10);
export const NFT_MSG_DELSET: MessageType = type("NFT_MSG_DELSET", 11);
export const NFT_MSG_NEWSETELEM: MessageType = type("NFT_MSG_NEWSETELEM", 12);
export const NFT_MSG_GETSETELEM: MessageType = type("NFT_MSG_GETSETELEM", 13);
export const NFT_MSG_DELSETELEM: MessageType = type("NFT_MSG_DELSETELEM", 14);
export const NFT_MSG_NEWGEN: MessageType = type("NFT_MSG_NEWGEN", 15);
export const NFT_MSG_GETGEN: MessageType = type("NFT_MSG_GETGEN", 16);
