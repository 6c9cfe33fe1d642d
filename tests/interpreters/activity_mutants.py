"""Wrong queries for busy quarters of an hour: each is our text with one change. The suite must notice all."""

from tests.interpreters.mutants import Mutant

MUTANTS = (
    Mutant("more than 100 connections flood", "sumo", "connections >= 100", "connections > 100"),
    Mutant("quarters of half an hour", "sumo", "floor(start_ms / 900000)", "floor(start_ms / 1800000)"),
    Mutant("more than 20 pairs", "sumo", "pairs < 20", "pairs < 21"),
    Mutant(
        "a state of no answer is one",
        "sumo",
        '"S0", "REJ", "RSTOS0", "SH"), conns, 0) as failed',
        '"REJ", "RSTOS0", "SH"), conns, 0) as failed',
    ),
    Mutant("one answer lost is none", "sumo", "refused = connections", "refused > 0"),
    Mutant("172.31 is outside", "sumo", " or dst_ip matches /^172\\.3[0-1]\\.[0-9.]+$/", ""),
    Mutant("carriers' addresses are outside", "sumo", " or dst_ip matches /^100\\.6[4-9]\\.[0-9.]+$/", ""),
    Mutant("IPv6 is inside", "sumo", "/^[23][0-9a-fA-F]{3}:/", "/^[45][0-9a-fA-F]{3}:/"),
    Mutant(
        "the exercise is inside",
        "sumo",
        "198\\.51\\.100\\.[0-9.]+$/ or dst_ip matches /^203\\.0\\.113\\.[0-9.]+$/, 1",
        "203\\.0\\.113\\.[0-9.]+$/, 1",
    ),
    Mutant("every quarter is one", "raw", "floor(slot_first/900)", "floor(slot_first/86400)"),
    Mutant("more than 100 connections flood", "raw", "connections>=100", "connections>100"),
    Mutant("more than 20 pairs", "raw", "pairs<20", "pairs<21"),
    Mutant("multicast is outside", "raw", ' OR cidrmatch("224.0.0.0/4", dst_ip)', ""),
    Mutant("nothing back is an answer", "tstats", "most_bytes_rcvd=0, 1, 0)", "most_bytes_rcvd=0, 0, 0)"),
    Mutant("denied attempts were answered", "cim", "failed=if(denied=1 OR ", "failed=if("),
    Mutant("an odd state is a failure", "cim", '"SH"), slot_conns, 0)', '"SH", "OTH"), slot_conns, 0)'),
    Mutant("all hosts are one", "cim", "BY src_ip quarter place", "BY quarter place"),
)
