"""One good line of each text format, for the tests that compare formats; all say the same connection."""

SRC, DST = "10.20.30.40", "45.60.1.1"
START = 1772438401.0  # 2026-03-02 08:00:01 UTC

FORTIGATE = (
    '<189>date=2026-03-02 time=08:00:21 devname="FGT1" devid="FG100D3G1" eventtime=1772438421000000000 tz="+0000" '
    'logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.20.30.40 srcport=20000 '
    'srcintf="lan" dstip=45.60.1.1 dstport=6667 dstintf="wan1" srccountry="Reserved" dstcountry="United States" '
    'sessionid=900 proto=6 action="close" policyid=1 service="tcp/6667" trandisp="snat" transip=203.0.113.9 '
    "transport=40000 duration=20 sentbyte=858 rcvdbyte=1292 sentpkt=7 rcvdpkt=5"
)
FTD = (
    "Mar 02 2026 08:00:31 fw01  %NGIPS-1-430003: EventPriority: Low, DeviceUUID: 0-1, InstanceID: 3, "
    "FirstPacketSecond: 2026-03-02T08:00:01Z, ConnectionID: 100, AccessControlRuleAction: Allow, SrcIP: 10.20.30.40, "
    "DstIP: 45.60.1.1, SrcPort: 20000, DstPort: 6667, Protocol: tcp, Prefilter Policy: Default, User: No "
    "Authentication Required, ConnectionDuration: 20, InitiatorPackets: 7, ResponderPackets: 5, InitiatorBytes: 858, "
    "ResponderBytes: 1292, NAPPolicy: Balanced"
)
MERAKI = (
    "<134>1 1772438401.0 MX84 flows src=10.20.30.40 dst=45.60.1.1 mac=00:11:22:33:44:55 protocol=tcp sport=20000 "
    "dport=6667 pattern: allow all"
)
CHECKPOINT = (
    '<134>1 2026-03-02T08:00:01Z cp CheckPoint 1 - [action:"Accept"; ifdir:"outbound"; loguid:"{0x1,0x2,0x3,0x4}"; '
    'src:"10.20.30.40"; dst:"45.60.1.1"; s_port:"20000"; service:"6667"; proto:"6"; product:"VPN-1 & FireWall-1"; '
    'xlatesrc:"203.0.113.9"; time:"1772438401"]'
)
SRX = (
    '<14>1 2026-03-02T08:00:21.000Z srx RT_FLOW - RT_FLOW_SESSION_CLOSE [junos@2636.1.1.1.2.40 reason="TCP FIN" '
    'source-address="10.20.30.40" source-port="20000" destination-address="45.60.1.1" destination-port="6667" '
    'service-name="None" nat-source-address="203.0.113.9" protocol-id="6" session-id-32="9" packets-from-client="7" '
    'bytes-from-client="858" packets-from-server="5" bytes-from-server="1292" elapsed-time="20"]'
)
FILTERLOG = (
    "<134>1 2026-03-02T08:00:01+00:00 fw.localnet filterlog 35553 - - 97,,,1568496159,em0,match,pass,out,4,0x0,,64,734,"
    "0,DF,6,tcp,60,10.20.30.40,45.60.1.1,20000,6667,0,S,1395699778,,1024,,"
)
IPTABLES = (
    "2026-03-02T08:00:01+00:00 gw kernel: [12345.678] FW-OUT: IN=br0 OUT=eth0 MAC=00:11 SRC=10.20.30.40 DST=45.60.1.1 "
    "LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 DF PROTO=TCP SPT=20000 DPT=6667 WINDOW=64240 RES=0x00 SYN URGP=0 "
)
WINFW = (
    "#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n#Fields: date time action protocol "
    "src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path\n\n"
    "2026-03-02 08:00:01 ALLOW TCP 10.20.30.40 45.60.1.1 20000 6667 0 - 0 0 0 - - - SEND"
)
LEEF = (
    "Mar 02 08:00:01 fw01 LEEF:1.0|Palo Alto Networks|PAN-OS Syslog Integration|8.1.10|allow|cat=TRAFFIC|Subtype=end|"
    "devTime=Mar 02 2026 08:00:21 GMT|src=10.20.30.40|dst=45.60.1.1|srcPort=20000|dstPort=6667|proto=tcp|action=allow|"
    "totalBytes=2150|srcBytes=858|dstBytes=1292|StartTime=2026/03/02 08:00:01|ElapsedTime=20"
)
CEF = (
    "<14>Mar 02 08:00:01 fw01 CEF:0|Palo Alto Networks|PAN-OS|10.0.8|end|TRAFFIC|1|rt=Mar 02 2026 08:00:21 GMT "
    "deviceExternalId=0123 src=10.20.30.40 dst=45.60.1.1 sourceTranslatedAddress=203.0.113.9 cs1Label=Rule cs1=let out "
    "spt=20000 dpt=6667 proto=tcp act=allow in=1292 out=858 PanOSPacketsReceived=5 PanOSPacketsSent=7 "
    "start=Mar 02 2026 08:00:01 GMT cn3Label=Elapsed time in seconds cn3=20"
)
CORTEX = (
    '"Log Type","Subtype","Time Generated","Source Address","Source Port","Destination Address","Destination Port",'
    '"Protocol","Action","Application","Bytes Sent","Bytes Received","Session Start Time","Session Duration",'
    '"Repeat Count"\n'
    '"TRAFFIC","end","2026-03-02T08:00:21Z","10.20.30.40","20000","45.60.1.1","6667","tcp","allow","irc","858","1292",'
    '"2026-03-02T08:00:01Z","20","1"'
)
SQUID = "1772438421.000  20000 10.20.30.40 TCP_TUNNEL/200 2150 CONNECT irc.example:6667 - HIER_DIRECT/45.60.1.1 -"
ZSCALER = (
    "2026-03-02 08:00:21\taction=Allow\tdepartment=Default\tcsip=10.20.30.40\tcsport=20000\tcdip=45.60.1.1\t"
    "cdport=6667\tssip=203.0.113.9\tproto=TCP\tinbytes=1292\toutbytes=858\tduration=20\tnumsessions=1"
)
ARGUS = (
    "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n"
    "2026/03/02 08:00:01.000000,20.0,tcp,10.20.30.40,20000,   ->,45.60.1.1,6667,FSPA_FSPA,0,0,12,2150,858,flow"
)
SILK = (
    "        sIP|        dIP|sPort|dPort|pro|   packets|     bytes|   flags|                  sTime| duration|\n"
    "10.20.30.40|  45.60.1.1|20000| 6667|  6|         7|       858|FS PA   |2026/03/02T08:00:01.000|   20.000|\n"
    "  45.60.1.1|10.20.30.40| 6667|20000|  6|         5|      1292|FS PA   |2026/03/02T08:00:01.010|   20.000|"
)
