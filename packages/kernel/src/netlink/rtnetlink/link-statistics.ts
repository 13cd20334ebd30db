import { u64 } from "../integers.ts";
import { field, Layout, type LayoutField } from "../layout.ts";

/** `struct rtnl_link_stats64` up to the last member of Linux 5.10; counts since the link was made. */
export interface LinkStatistics {
  readonly rxPackets: bigint;
  readonly txPackets: bigint;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
  readonly rxErrors: bigint;
  readonly txErrors: bigint;
  readonly rxDropped: bigint;
  readonly txDropped: bigint;
  readonly multicast: bigint;
  readonly collisions: bigint;
  readonly rxLengthErrors: bigint;
  readonly rxOverErrors: bigint;
  readonly rxCrcErrors: bigint;
  readonly rxFrameErrors: bigint;
  readonly rxFifoErrors: bigint;
  readonly rxMissedErrors: bigint;
  readonly txAbortedErrors: bigint;
  readonly txCarrierErrors: bigint;
  readonly txFifoErrors: bigint;
  readonly txHeartbeatErrors: bigint;
  readonly txWindowErrors: bigint;
  readonly rxCompressed: bigint;
  readonly txCompressed: bigint;
  readonly rxNohandler: bigint;
}

const counter = (kernel: string, offset: number): LayoutField<bigint> => field(kernel, u64, offset, 8);

export const linkStatistics: Layout<LinkStatistics> = new Layout<LinkStatistics>({
  struct: "rtnl_link_stats64",
  header: "linux/if_link.h",
  // Linux 5.19 put rx_otherhost_dropped behind these, so that the kernel sends 200 bytes now.
  size: 192,
  fields: {
    rxPackets: counter("rx_packets", 0),
    txPackets: counter("tx_packets", 8),
    rxBytes: counter("rx_bytes", 16),
    txBytes: counter("tx_bytes", 24),
    rxErrors: counter("rx_errors", 32),
    txErrors: counter("tx_errors", 40),
    rxDropped: counter("rx_dropped", 48),
    txDropped: counter("tx_dropped", 56),
    multicast: counter("multicast", 64),
    collisions: counter("collisions", 72),
    rxLengthErrors: counter("rx_length_errors", 80),
    rxOverErrors: counter("rx_over_errors", 88),
    rxCrcErrors: counter("rx_crc_errors", 96),
    rxFrameErrors: counter("rx_frame_errors", 104),
    rxFifoErrors: counter("rx_fifo_errors", 112),
    rxMissedErrors: counter("rx_missed_errors", 120),
    txAbortedErrors: counter("tx_aborted_errors", 128),
    txCarrierErrors: counter("tx_carrier_errors", 136),
    txFifoErrors: counter("tx_fifo_errors", 144),
    txHeartbeatErrors: counter("tx_heartbeat_errors", 152),
    txWindowErrors: counter("tx_window_errors", 160),
    rxCompressed: counter("rx_compressed", 168),
    txCompressed: counter("tx_compressed", 176),
    rxNohandler: counter("rx_nohandler", 184),
  },
});
