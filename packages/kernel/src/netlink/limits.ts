// Every bound of this folder. A value past one of them is refused by name, never cut.

/** Netlink pads messages and attributes to four bytes (`NLMSG_ALIGNTO`, `NLA_ALIGNTO`). */
export const alignmentBytes = 4;

/** `nla_len` and `nlmsghdr` are 16 and 32 bits wide; an attribute cannot say more than this, header included. */
export const attributeMaxBytes = 65_535;

/** Our own bound for one message: two full attributes. The kernel has none of its own below the socket's buffer. */
export const messageMaxBytes = 131_072;

/**
 * What a netlink socket sends at once unless SO_SNDBUF says otherwise: the usual `net.core.wmem_default`, less the
 * 32 bytes that `netlink_sendmsg` keeps back. A larger datagram gets EMSGSIZE.
 */
export const datagramMaxBytes: number = 212_992 - 32;

/** Nothing the kernel sends is nested deeper than about nine levels; a hostile message would be. */
export const nestingMax = 16;

/** Values one exchange keeps before it gives up on a dump. */
export const dumpValuesMax = 1_000_000;

/** `IFNAMSIZ` of linux/if.h, the terminating NUL included. */
export const interfaceNameMaxBytes = 16;

/** `ALTIFNAMSIZ` of linux/if.h, the terminating NUL included. */
export const alternativeNameMaxBytes = 128;

/** `IFALIASZ` of linux/if.h. */
export const interfaceAliasMaxBytes = 256;

/** `MAX_ADDR_LEN` of linux/netdevice.h: the longest hardware address. */
export const hardwareAddressMaxBytes = 32;

/** `NFT_NAME_MAXLEN` of linux/netfilter/nf_tables.h, the terminating NUL included. */
export const nftablesNameMaxBytes = 256;

/** `NFT_USERDATA_MAXLEN` of linux/netfilter/nf_tables.h. */
export const nftablesUserDataMaxBytes = 256;

/** `NFT_DATA_VALUE_MAXLEN` of linux/netfilter/nf_tables.h: the longest constant, which is also the widest set key. */
export const nftablesDataMaxBytes = 64;

/** What nft(8) accepts as a comment, in bytes, the terminating NUL included. */
export const nftablesCommentMaxBytes = 128;
