"""When a connection was answered, and when it was a conversation: the same for log files and for every query language.

A forged packet is answered to the machine that holds the address, so an answer alone proves no exchange: a handshake
and more does, or bytes in both directions where packets are not counted.
"""

# Zeek's documented states of a connection: what the responder did. OTH, SHR and RSTRH saw no opening: not known.
UNANSWERED = ("S0", "REJ", "RSTOS0", "SH")
ANSWERED = ("S1", "SF", "S2", "S3", "RSTO", "RSTR")

# The packets of a handshake and one more.
LEAST_SENT, LEAST_RCVD = 3, 2
