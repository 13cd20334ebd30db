// table: commands of the field's tools whose bytes the golden files hold

/** One traced command. Words are split by a shell. */
interface CaptureCommand {
  readonly command: string;
  /** Its standard input. */
  readonly input?: string;
  /** Keep the kernel's answers too: to the last request, or to all of them. */
  readonly answers?: "last" | "all";
}

/** Commands that run one after the other in one fresh network namespace. */
export interface CaptureGroup {
  /** The golden file's name without `.json`. */
  readonly name: string;
  /** Run first, not traced. */
  readonly setup: readonly string[];
  readonly commands: readonly CaptureCommand[];
}

const plain = (...commands: readonly string[]): CaptureCommand[] => commands.map((command) => ({ command }));
const asked = (...commands: readonly string[]): CaptureCommand[] =>
  commands.map((command) => ({ command, answers: "last" }));
const watched = (...commands: readonly string[]): CaptureCommand[] =>
  commands.map((command) => ({ command, answers: "all" }));

const VETH = [
  "ip link add v0 index 10 address 02:00:00:00:00:10 type veth peer name v1 index 11 address 02:00:00:00:00:11",
  "ip link set v0 up",
  "ip link set v1 up",
];
const BRIDGE = ["ip link add br0 index 20 address 02:00:00:00:00:20 type bridge", "ip link set br0 up"];

const link: CaptureGroup = {
  name: "link",
  setup: [],
  commands: [
    ...plain(
      "ip link add br0 type bridge",
      `ip link add br1 index 20 mtu 1400 address 02:00:00:00:00:20 txqueuelen 500 type bridge forward_delay 400 \
hello_time 200 max_age 1000 ageing_time 3000 stp_state 1 priority 100 vlan_filtering 0 group_fwd_mask 8 \
mcast_snooping 0 mcast_querier 1 mcast_router 2 nf_call_iptables 1 nf_call_ip6tables 0 nf_call_arptables 1`,
      "ip link add br2 type bridge vlan_filtering 1 vlan_protocol 802.1ad vlan_default_pvid 7",
      "ip link add v0 type veth peer name v1",
      "ip link add v2 mtu 1300 address 02:00:00:00:00:02 type veth peer name eth0 mtu 1300 address 02:00:00:00:00:03 netns 1",
      "ip link add v4 type veth peer name eth0 netns /proc/self/ns/net",
      `ip link add vx0 type vxlan id 42 local 10.0.0.1 remote 10.0.0.2 dev v0 dstport 4789 srcport 1000 2000 ttl 5 \
tos 4 nolearning udpcsum`,
      "ip link add vx1 type vxlan id 43 group 239.1.1.1 dev v0 dstport 8472 ageing 300 maxaddress 100",
      "ip link add vx2 type vxlan id 44 local fd00::1 remote fd00::2 dstport 4789 l2miss l3miss proxy rsc gbp",
      "ip link add vx3 type vxlan external dstport 4789",
      "ip link add mv0 link v0 type macvlan mode bridge",
      "ip link add mv1 link v0 type macvlan mode private",
      "ip link add link v0 name v0.7 type vlan id 7",
      "ip link add link v0 name v0.8 type vlan protocol 802.1ad id 8 reorder_hdr off gvrp on",
      "ip link add d0 type dummy",
      "ip link add iv0 link v0 type ipvlan mode l3",
      "ip link add m0 numtxqueues 4 numrxqueues 2 type macvlan",
      "ip link set v0 master br0",
      "ip link set v0 nomaster",
      "ip link set v0 up",
      "ip link set v0 down",
      "ip link set v0 mtu 1400",
      "ip link set v0 address 02:00:00:00:00:44",
      "ip link set v0 name w0",
      "ip link set w0 alias hello",
      "ip link set w0 txqueuelen 10",
      "ip link set w0 group 5",
      "ip link set w0 addrgenmode none",
      "ip link set w0 promisc on arp off",
      "ip link set w0 netns 1",
      "ip link set v1 netns /proc/self/ns/net",
      "ip link set br0 type bridge stp_state 1",
      "ip link set v1 type bridge_slave hairpin on isolated on learning off",
      "ip link property add dev v1 altname another-name",
      "ip link del v1",
      "ip link show dev br0",
      "ip link show",
      "ip -d link show master br0",
    ),
  ],
};

const linkAnswers: CaptureGroup = {
  name: "link-answers",
  setup: [
    ...VETH,
    ...BRIDGE,
    "ip link set v0 master br0 alias hello",
    "ip link property add dev v0 altname another-name",
    "ip link add vx0 index 30 address 02:00:00:00:00:30 type vxlan id 42 local 10.0.0.1 remote 10.0.0.2 dstport 4789",
    "ip link add mv0 index 31 address 02:00:00:00:00:31 link v1 type macvlan mode bridge",
  ],
  commands: asked(
    "ip -d -s link show",
    "ip link show dev v0",
    "ip link add x0 type orlop",
    "ip link add v0 type veth peer name v1",
    "ip link set v0 mtu 100000",
    "bridge -d link show",
  ),
};

const bridgePort: CaptureGroup = {
  name: "bridge-port",
  setup: [...VETH, ...BRIDGE, "ip link set v0 master br0"],
  commands: plain(
    "bridge link set dev v0 hairpin on isolated on learning off flood off mcast_flood off bcast_flood on guard on root_block off",
    "bridge link set dev v0 fastleave on neigh_suppress on cost 5 priority 8 state 2",
    "bridge link set dev v0 hairpin off self",
    "bridge vlan add dev v0 vid 5 pvid untagged",
    "bridge vlan add dev v0 vid 10-20",
    "bridge vlan add dev br0 vid 5 self",
    "bridge vlan del dev v0 vid 5",
    "bridge link show",
    "bridge vlan show",
  ),
};

const address: CaptureGroup = {
  name: "address",
  setup: VETH,
  commands: [
    ...plain(
      "ip addr add 10.0.0.1/24 dev v0",
      "ip addr add 10.0.1.1/24 broadcast + dev v0",
      "ip addr add 10.0.2.1/24 broadcast 10.0.2.255 label v0:x scope link dev v0",
      "ip addr add 10.0.3.1 peer 10.0.3.2/32 dev v0",
      "ip addr add 10.0.4.1/24 metric 50 noprefixroute dev v0",
      "ip addr add fd00::1/64 dev v0 nodad",
      "ip addr add fd00::2/64 dev v0 valid_lft 100 preferred_lft 50",
      "ip addr replace fd00::3/128 dev v0",
      "ip addr add 127.0.0.2/8 dev lo",
      "ip addr del 10.0.1.1/24 dev v0",
      "ip addr del fd00::1/64 dev v0",
      "ip -4 addr show",
    ),
    ...asked("ip addr show", "ip addr add fd00::2/64 dev v0", "ip addr del 10.9.9.9/24 dev v0"),
  ],
};

const route: CaptureGroup = {
  name: "route",
  setup: [
    ...VETH,
    "ip addr add 10.0.0.1/24 dev v0",
    "ip addr add 10.0.1.1/24 dev v1",
    "ip addr add fd00::1/64 dev v0 nodad",
    "ip addr add fd01::1/64 dev v1 nodad",
  ],
  commands: [
    ...plain(
      "ip route add default via 10.0.0.254",
      "ip route add 10.5.0.0/16 via 10.0.0.254 dev v0 metric 100",
      "ip route add 10.6.0.0/16 dev v0 scope link src 10.0.0.1",
      "ip route add 10.7.0.0/16 via 10.99.0.1 dev v0 onlink",
      "ip route add 10.8.0.0/16 via 10.0.0.254 table 1000",
      "ip route add blackhole 10.9.0.0/16",
      "ip route add unreachable 10.10.0.0/16 metric 4096",
      "ip route add prohibit 10.11.0.0/16",
      "ip route add 10.12.0.0/16 nexthop via 10.0.0.254 dev v0 weight 1 nexthop via 10.0.1.254 dev v1 weight 5",
      "ip route add 10.13.0.0/16 via 10.0.0.254 mtu 1400 advmss 1300 proto static",
      "ip route replace 10.5.0.0/16 via 10.0.0.253 dev v0 metric 100",
      "ip route add local 10.14.0.0/16 dev lo",
      "ip route add default via fd00::ff dev v0 metric 5",
      "ip route add fd05::/64 dev v0",
      "ip route add fd06::/64 nexthop via fd00::fe dev v0 nexthop via fd01::fe dev v1",
      "ip route add 10.15.0.0/16 via inet6 fd00::ff dev v0",
      "ip route append 10.16.0.0/16 via 10.0.0.254",
      "ip route del 10.5.0.0/16 metric 100",
      "ip route del default",
      "ip -6 route del fd05::/64 dev v0",
    ),
    ...watched(
      "ip -4 route show",
      "ip route show table all",
      "ip -6 route show",
      "ip route get 10.12.0.5",
      "ip route add 10.20.0.0/16 via 10.50.0.1",
      "ip route del 10.77.0.0/16",
    ),
  ],
};

const neighbour: CaptureGroup = {
  name: "neighbour",
  setup: [...VETH, ...BRIDGE, "ip link set v1 master br0", "ip link add vx0 type vxlan id 42 dstport 4789"],
  commands: [
    ...plain(
      "ip neigh add 10.0.0.5 lladdr 02:00:00:00:00:55 dev v0",
      "ip neigh add 10.0.0.6 lladdr 02:00:00:00:00:56 nud reachable dev v0",
      "ip neigh replace fd00::5 lladdr 02:00:00:00:00:57 dev v0 nud permanent router",
      "ip neigh add proxy 10.0.0.7 dev v0",
      "ip neigh del 10.0.0.6 dev v0",
      "bridge fdb add 02:00:00:00:00:60 dev v1 master static",
      "bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.0.9 port 4789 vni 43",
      "bridge fdb del 02:00:00:00:00:60 dev v1 master",
    ),
    ...asked("ip neigh show", "bridge fdb show"),
  ],
};

const rule: CaptureGroup = {
  name: "rule",
  setup: VETH,
  commands: [
    ...plain(
      "ip rule add from 10.0.0.0/8 table 100",
      "ip rule add from 10.0.0.0/8 to 10.1.0.0/16 iif v0 oif v1 fwmark 0x5/0xff table 1000 pref 50 suppress_prefixlength 0",
      "ip rule add not fwmark 0x1 lookup 51820",
      "ip rule add to 10.9.0.0/16 blackhole pref 70",
      "ip rule add ipproto tcp sport 5 dport 80-90 uidrange 1000-2000 table 5",
      "ip -6 rule add from fd00::/64 table 7",
      "ip rule del from 10.0.0.0/8 table 100",
    ),
    ...asked("ip rule show", "ip -6 rule show"),
  ],
};

const nft = (...inputs: readonly string[]): CaptureCommand[] => inputs.map((input) => ({ command: "nft -f -", input }));

const KEY_TYPES = [
  "nf_proto ether_addr ether_type inet_proto icmp_type tcp_flag iface_index iface_type uid gid ct_state ct_dir",
  "ct_status icmpv6_type pkt_type fib_addrtype boolean",
].flatMap((line) => line.split(" "));

const nftablesObjects: CaptureGroup = {
  name: "nftables-objects",
  setup: VETH,
  commands: [
    ...nft(
      "add table inet t",
      'create table ip u { comment "hello" ; flags dormant ; }',
      "add chain inet t plain",
      "add chain inet t input { type filter hook input priority 0 ; policy drop ; }",
      'add chain inet t pre { type nat hook prerouting priority dstnat ; comment "ports" ; }',
      "add chain inet t post { type nat hook postrouting priority srcnat ; policy accept ; }",
      "add chain inet t raw { type filter hook output priority raw + 5 ; }",
      "add chain inet t way { type route hook output priority mangle ; }",
      "add table netdev n",
      "add chain netdev n in { type filter hook ingress device v0 priority -500 ; }",
      "add chain netdev n both { type filter hook ingress devices = { v0, v1 } priority 0 ; }",
      "add table bridge b",
      "add chain bridge b forwards { type filter hook forward priority filter ; }",
      "add set inet t ports { type inet_service ; }",
      'add set inet t nets { type ipv4_addr ; flags interval ; auto-merge ; comment "nets" ; }',
      "add set inet t six { type ipv6_addr ; flags timeout ; timeout 30s ; gc-interval 10s ; size 1000 ; }",
      ...KEY_TYPES.map((type) => `add set inet t key_${type} { type ${type} ; }`),
      "add set inet t pair { type ipv4_addr . inet_service ; flags interval ; }",
      "add set inet t marks { type mark ; flags constant ; elements = { 1, 2 } ; }",
      "add set inet t names { type ifname ; policy memory ; counter ; }",
      "add map inet t publish { type inet_service : ipv4_addr . inet_service ; }",
      "add map inet t addr { type inet_service : ipv4_addr ; }",
      "add map inet t verdicts { type inet_proto . inet_service : verdict ; }",
      "add map inet t jumps { type ipv4_addr : verdict ; flags interval ; }",
      "add element inet t ports { 80, 443 }",
      "add element inet t nets { 10.0.0.0/8, 192.168.1.5, 172.16.0.1-172.16.0.9 }",
      'add element inet t six { fd00::1 timeout 10s comment "one", fd00::2 expires 5s }',
      "add element inet t pair { 10.0.0.0/24 . 80-90, 10.1.0.1 . 443 }",
      'add element inet t names { "v0", "eth0" counter packets 5 bytes 500 }',
      "add element inet t publish { 8080 : 10.0.0.2 . 80 }",
      "add element inet t addr { 8080 : 10.0.0.2 }",
      "add element inet t verdicts { tcp . 22 : accept, udp . 53 : jump plain }",
      "add element inet t jumps { 10.0.0.0/24 : goto plain, 10.0.1.0/24 : drop }",
      "delete element inet t ports { 80 }",
      "flush set inet t ports",
      "add rule inet t input accept",
      "insert rule inet t input drop",
      "add rule inet t input index 0 counter",
      "delete rule inet t input handle 9999",
      "flush chain inet t input",
      "flush table inet t",
      "delete set inet t ports",
      "delete chain inet t plain",
      "delete table inet t",
    ),
  ],
};

const nftablesRules: CaptureGroup = {
  name: "nftables-rules",
  setup: [
    ...VETH,
    "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add chain inet t other'",
    "nft 'add chain inet t pre { type nat hook prerouting priority -100; }'",
    "nft 'add chain inet t post { type nat hook postrouting priority 100; }'",
    "nft 'add chain inet t raw { type filter hook prerouting priority -300; }'",
    "nft 'add table ip v4; add chain ip v4 c { type filter hook input priority 0; }'",
    "nft 'add chain ip v4 post { type nat hook postrouting priority 100; }'",
    "nft 'add table ip6 v6; add chain ip6 v6 c { type filter hook input priority 0; }'",
    "nft 'add table bridge b; add chain bridge b c { type filter hook forward priority 0; }'",
    "nft 'add table netdev n; add chain netdev n c { type filter hook ingress device v0 priority 0; }'",
    "nft 'add set inet t ports { type inet_service; }'",
    "nft 'add set inet t pairs { type ipv4_addr . inet_service; }'",
    "nft 'add set inet t nets { type ipv4_addr; flags interval; }'",
    "nft 'add map inet t publish { type inet_service : ipv4_addr . inet_service; }'",
    "nft 'add map inet t addr { type inet_service : ipv4_addr; }'",
    "nft 'add map inet t marks { type inet_service : mark; }'",
    "nft 'add map inet t verdicts { type inet_service : verdict; }'",
    "nft 'add map inet t both { type inet_proto . inet_service : verdict; }'",
  ],
  commands: nft(
    'add rule inet t post ip saddr 10.0.0.0/24 oifname != "br0" masquerade',
    "add rule inet t pre tcp dport 8080 dnat ip to 10.0.0.2:80",
    "add rule inet t c drop",
    'add rule inet t c accept comment "hello"',
    "add rule inet t c jump other",
    "add rule inet t c goto other",
    "add rule inet t c return",
    "add rule inet t c continue",
    "add rule inet t c ct state established,related accept",
    "add rule inet t c ct state invalid drop",
    "add rule inet t c ct status dnat accept",
    "add rule inet t c ct direction original accept",
    "add rule inet t c ct mark 5 accept",
    "add rule inet t c ct mark set 7",
    "add rule inet t c ct mark set tcp dport map @marks",
    "add rule inet t c meta l4proto udp ct original proto-dst 8080",
    "add rule inet t c meta mark 1",
    "add rule inet t c meta mark and 0xff == 5",
    "add rule inet t c meta mark set 9",
    'add rule inet t c iifname "v0" accept',
    'add rule inet t c oifname "v*" accept',
    "add rule inet t c iif v0 accept",
    "add rule inet t c meta l4proto { tcp, udp }",
    "add rule inet t c meta l4proto icmp accept",
    "add rule inet t c meta nfproto ipv6 drop",
    "add rule inet t c meta pkttype broadcast drop",
    "add rule inet t c ip daddr 10.0.0.1 tcp dport 80 accept",
    "add rule inet t c ip saddr 10.0.0.0/20 accept",
    "add rule inet t c ip saddr != 10.0.0.0/24 accept",
    "add rule inet t c ip saddr 10.0.0.5-10.0.0.9 accept",
    "add rule inet t c ip6 saddr fd00::/64 accept",
    "add rule inet t c ip6 daddr fd00::/61 accept",
    "add rule inet t c ip protocol tcp accept",
    "add rule inet t c tcp dport 80-90 accept",
    "add rule inet t c tcp dport != 80-90 accept",
    "add rule inet t c tcp sport > 1024 accept",
    "add rule inet t c udp dport 53 accept",
    "add rule inet t c th dport 53 accept",
    "add rule inet t c icmp type echo-request accept",
    "add rule inet t c icmpv6 type nd-neighbor-solicit accept",
    "add rule inet t c tcp flags syn / syn,ack",
    "add rule inet t c tcp flags & (syn|ack) == syn",
    "add rule inet t c tcp dport @ports accept",
    "add rule inet t c tcp dport != @ports accept",
    "add rule inet t c ip saddr . tcp dport @pairs accept",
    "add rule inet t c ip saddr @nets drop",
    "add rule inet t c tcp dport vmap @verdicts",
    "add rule inet t c meta l4proto . th dport vmap @both",
    "add rule inet t c tcp dport { 22, 80 } accept",
    "add rule inet t c tcp dport vmap { 22 : accept, 23 : drop }",
    "add rule inet t c counter",
    "add rule inet t c counter packets 5 bytes 100",
    "add rule inet t c log",
    'add rule inet t c log prefix "x: " level warn flags all',
    'add rule inet t c log prefix "x" group 5 snaplen 64 queue-threshold 3',
    "add rule inet t c limit rate 5/second burst 7 packets accept",
    "add rule inet t c limit rate over 10 mbytes/minute drop",
    "add rule inet t c fib daddr type local accept",
    "add rule inet t c fib saddr . iif oif missing drop",
    "add rule inet t c fib saddr oif 10 accept",
    "add rule inet t c reject",
    "add rule inet t c reject with icmpx admin-prohibited",
    "add rule inet t c reject with tcp reset",
    "add rule inet t c reject with icmp host-unreachable",
    "add rule inet t raw notrack",
    "add rule inet t pre tcp dport 8000-8010 dnat ip to 10.0.0.2:9000-9010",
    "add rule inet t pre tcp dport 8080 dnat ip6 to [fd00::2]:80",
    "add rule inet t pre dnat ip to 10.0.0.2",
    "add rule inet t pre dnat ip to 10.0.0.2-10.0.0.9 random,persistent",
    "add rule inet t pre tcp dport 80 redirect to :8080",
    "add rule inet t pre udp dport 80-90 redirect to :8080-8090",
    "add rule inet t pre redirect",
    "add rule inet t pre dnat ip to tcp dport map @publish",
    "add rule inet t pre dnat ip to tcp dport map @addr",
    "add rule inet t pre fib daddr type local tcp dport 8080 dnat ip to 10.0.0.2:80",
    "add rule inet t post snat ip to 1.2.3.4",
    "add rule inet t post ip saddr 10.0.0.0/24 udp sport 5 snat ip to 1.2.3.4:1000-2000 fully-random",
    "add rule inet t post masquerade random,persistent",
    "add rule inet t post meta l4proto tcp masquerade to :1000-2000",
    "add rule ip v4 c ip saddr 10.0.0.0/24 tcp dport 80 accept",
    "add rule ip v4 c meta l4proto udp drop",
    "add rule ip v4 post ip saddr 10.0.0.0/24 masquerade",
    "add rule ip v4 c reject",
    "add rule ip6 v6 c ip6 saddr fd00::1 udp dport 53 accept",
    "add rule bridge b c ip saddr 10.0.0.1 tcp dport 80 drop",
    "add rule bridge b c ether saddr 02:00:00:00:00:01 drop",
    "add rule bridge b c meta protocol arp accept",
    'add rule bridge b c meta ibrname "br0" accept',
    "add rule netdev n c ip daddr 10.0.0.1 drop",
    "add rule inet t c meta skuid 1000 accept",
    "add rule inet t c meta cgroup 5 accept",
    "add rule inet t c ct count over 5 drop",
    "add rule inet t c quota over 10 mbytes drop",
    "add rule inet t c meta mark set ct mark",
    "add rule inet t c tcp dport set 81",
  ),
};

const nftablesAnswers: CaptureGroup = {
  name: "nftables-answers",
  setup: [
    ...nftablesRules.setup,
    `nft -f - <<'EOF'
add element inet t ports { 80, 443 }
add element inet t pairs { 10.0.0.1 . 80 }
add element inet t nets { 10.0.0.0/8, 192.168.1.5 }
add element inet t publish { 8080 : 10.0.0.2 . 80 }
add element inet t verdicts { 22 : accept, 23 : jump other }
add rule inet t c ct state established,related counter accept comment "old"
add rule inet t pre tcp dport 8080 dnat ip to 10.0.0.2:80
add rule inet t post ip saddr 10.0.0.0/24 oifname != "br0" masquerade
add rule inet t c tcp dport vmap { 22 : accept, 23 : drop }
add rule inet t c ct count over 5 drop
EOF`,
  ],
  commands: [
    ...watched(
      "nft list tables",
      "nft list chains",
      "nft list sets",
      "nft list set inet t ports",
      "nft list set inet t nets",
      "nft list map inet t publish",
      "nft list map inet t verdicts",
      "nft -a list table inet t",
    ),
    { command: "nft -f -", input: "add rule inet t nowhere accept", answers: "all" },
    { command: "nft -f -", input: "create table inet t", answers: "all" },
    { command: "nft -f -", input: "add rule inet t c masquerade", answers: "all" },
  ],
};

const conntrack: CaptureGroup = {
  name: "conntrack",
  setup: [
    "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c ct state new'",
    "ip addr add 10.0.0.1/32 dev lo",
    "conntrack -I -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 8080 -r 10.1.0.2 -q 10.0.0.1 --timeout 60 --reply-port-src 53 --reply-port-dst 1000",
    "conntrack -I -p tcp -s fd00::1 -d fd00::2 --sport 1000 --dport 80 --state ESTABLISHED --timeout 60 --mark 7",
  ],
  commands: [
    ...asked("conntrack -L", "conntrack -L -f ipv6"),
    ...plain(
      "conntrack -G -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 8080",
      "conntrack -D -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 8080",
      "conntrack -F",
    ),
  ],
};

export const captureGroups: readonly CaptureGroup[] = [
  link,
  linkAnswers,
  bridgePort,
  address,
  route,
  neighbour,
  rule,
  nftablesObjects,
  nftablesRules,
  nftablesAnswers,
  conntrack,
];
