"""Wrong queries for the users of a destination: each is our text with one change. The suite must notice all."""

from tests.interpreters.mutants import Mutant

MUTANTS = (
    Mutant("two packets are a conversation", "sumo", "packets_sent < 3", "packets_sent < 2"),
    Mutant("one packet back is a conversation", "sumo", "packets_rcvd < 2", "packets_rcvd < 1"),
    Mutant("UDP proves a user", "sumo", 'proto in ("tcp", "6")', 'proto in ("tcp", "udp", "6")'),
    Mutant("a refusal is an answer", "sumo", '"S0", "REJ", ', '"S0", '),
    Mutant("172.24 is ours", "sumo", "172\\.2[0-3]\\.", "172\\.2[0-9]\\."),
    Mutant("any IPv6 source is dropped", "sumo", " or src_ip matches /^2001:/", ""),
    Mutant(
        "sources are counted per row",
        "sumo",
        "min(start_ms) as first_ms by place, src_ip",
        "min(start_ms) as first_ms by place, src_ip, start_ms",
    ),
    Mutant("all hosts are not counted", "sumo", 'concat("* ", wanted)', 'concat("", wanted)'),
    Mutant("one match alone", "sumo", '"(?<place>[^ ]+)" multi', '"(?<place>[^ ]+$)" multi'),
    Mutant(
        "bytes one way are enough",
        "sumo",
        "one_way = 0 and sent_known + rcvd_known = 2",
        "one_way = 0 and sent_known + rcvd_known > 0",
    ),
    Mutant(
        "what is not told is none",
        "sumo",
        "(both_ways = 0 or isBlank(proto)), 1, 0)",
        "(both_ways = 0 or isBlank(proto)), 0, 0)",
    ),
    Mutant("the last time is the first", "sumo", "min(start_ms)", "max(start_ms)"),
    Mutant("two packets are a conversation", "raw", "least_packets_sent<3", "least_packets_sent<2"),
    Mutant("UDP proves a user", "raw", 'in(proto, "tcp", "6")', 'in(proto, "tcp", "udp", "6")'),
    Mutant("a refusal is an answer", "raw", '"S0", "REJ", ', '"S0", '),
    Mutant("denied attempts are answered", "cim", "reached=if(denied=0 AND ", "reached=if("),
    Mutant("172.24 is ours", "raw", '"172.16.0.0/13"', '"172.16.0.0/12"'),
    Mutant("only the destinations that are asked for", "raw", 'split("* ".dst_ip, " ")', "dst_ip"),
    Mutant(
        "rows instead of hosts",
        "raw",
        "min(slot_first) AS first BY place src_ip",
        "min(slot_first) AS first BY place src_ip slot_first",
    ),
    Mutant("the hosts of one place are those of all", "cim", "BY place source6", "BY source6"),
    Mutant("absent bytes are none", "cim", "counted_bytes_rcvd=slot_rows AND most_bytes_rcvd=0", "most_bytes_rcvd=0"),
    Mutant("one conversation vouches for its slot", "tstats", "least_packets_rcvd<2", "most_packets_rcvd<2"),
    Mutant("the most is the least", "tstats", "max(All_Traffic.packets_in)", "min(All_Traffic.packets_in)"),
)
