// Registers of the nftables machine, enum nft_registers of linux/netfilter/nf_tables.h: 64 bytes in all, addressed as
// four of 16 bytes (1 to 4) or as sixteen of four (8 to 23); NFT_REG_1 and NFT_REG32_00 are the same place.

export const NFT_REG_VERDICT = 0;
export const NFT_REG_1 = 1;
export const NFT_REG32_00 = 8;
