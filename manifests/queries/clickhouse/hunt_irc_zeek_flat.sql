WITH typed AS (
  SELECT
    toFloat64(raw.`ts`) AS start,
    if(match(toTypeName(raw.`id_orig_h`), 'IPv6'), replaceRegexpOne(left(ifNull(toString(raw.`id_orig_h`), ''), 64), '^::ffff:([0-9.]+)$', '\\1'), left(ifNull(toString(raw.`id_orig_h`), ''), 64)) AS src_ip,
    if(match(toTypeName(raw.`id_resp_h`), 'IPv6'), replaceRegexpOne(left(ifNull(toString(raw.`id_resp_h`), ''), 64), '^::ffff:([0-9.]+)$', '\\1'), left(ifNull(toString(raw.`id_resp_h`), ''), 64)) AS dst_ip,
    assumeNotNull(accurateCastOrNull(raw.`id_resp_p`, 'UInt16')) AS dst_port,
    '' AS hostname_text,
    if(lower(leftUTF8(toValidUTF8(ifNull(toString(raw.`proto`), '')), 1000)) IN ('', '-', 'unknown', 'null', '(empty)'), '', leftUTF8(toValidUTF8(ifNull(toString(raw.`proto`), '')), 1000)) AS proto_text,
    '' AS process_name_text,
    if(lower(leftUTF8(toValidUTF8(ifNull(toString(raw.`service`), '')), 1000)) IN ('', '-', 'unknown', 'null', '(empty)'), '', leftUTF8(toValidUTF8(ifNull(toString(raw.`service`), '')), 1000)) AS service_text,
    if(lower(leftUTF8(toValidUTF8(ifNull(toString(raw.`conn_state`), '')), 1000)) IN ('', '-', 'unknown', 'null', '(empty)'), '', leftUTF8(toValidUTF8(ifNull(toString(raw.`conn_state`), '')), 1000)) AS conn_state_text,
    if(lower(leftUTF8(toValidUTF8(ifNull(toString(raw.`history`), '')), 1000)) IN ('', '-', 'unknown', 'null', '(empty)'), '', leftUTF8(toValidUTF8(ifNull(toString(raw.`history`), '')), 1000)) AS history_text,
    '' AS action_text,
    if(accurateCastOrNull(raw.`id_orig_p`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`id_orig_p`, 'Int64'), NULL) AS src_port_number,
    CAST(NULL AS Nullable(Int64)) AS conns_number,
    if(accurateCastOrNull(raw.`orig_bytes`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`orig_bytes`, 'Int64'), NULL) AS bytes_sent_number,
    if(accurateCastOrNull(raw.`resp_bytes`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`resp_bytes`, 'Int64'), NULL) AS bytes_rcvd_number,
    CAST(NULL AS Nullable(Int64)) AS bytes_total_number,
    if(accurateCastOrNull(raw.`orig_ip_bytes`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`orig_ip_bytes`, 'Int64'), NULL) AS ip_bytes_sent_number,
    if(accurateCastOrNull(raw.`resp_ip_bytes`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`resp_ip_bytes`, 'Int64'), NULL) AS ip_bytes_rcvd_number,
    if(accurateCastOrNull(raw.`orig_pkts`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`orig_pkts`, 'Int64'), NULL) AS packets_sent_number,
    if(accurateCastOrNull(raw.`resp_pkts`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`resp_pkts`, 'Int64'), NULL) AS packets_rcvd_number,
    toFloat64OrNull(toString(raw.`duration`)) AS lasted,
    CAST(NULL AS Nullable(Bool)) AS was_answered,
    CAST(NULL AS Nullable(Bool)) AS goes_on
  FROM `zeek`.`conn` AS raw
  WHERE toFloat64(raw.`ts`) >= toFloat64(now()) - 87300 AND toFloat64(raw.`ts`) < toFloat64(now()) - 900 AND isNotNull(accurateCastOrNull(raw.`id_resp_p`, 'UInt16'))
), connections AS (
  SELECT
    start AS start,
    hostname_text AS hostname,
    src_ip AS src_ip,
    ifNull(src_port_number, -1) AS src_port,
    dst_ip AS dst_ip,
    dst_port AS dst_port,
    transform(lower(proto_text), ['6', '17', '1', '58', '132', '47', '50'], ['tcp', 'udp', 'icmp', 'ipv6-icmp', 'sctp', 'gre', 'esp']) AS proto,
    toInt64(ifNull(if(conns_number <= 1000000000, conns_number, 1), 1)) AS conns,
    coalesce(ip_bytes_sent_number, if(isNull(ip_bytes_rcvd_number), bytes_sent_number, 0)) AS bytes_sent,
    coalesce(ip_bytes_rcvd_number, if(isNull(ip_bytes_sent_number), bytes_rcvd_number, 0)) AS bytes_rcvd,
    coalesce(bytes_total_number, coalesce(ip_bytes_sent_number, if(isNull(ip_bytes_rcvd_number), bytes_sent_number, 0)) + coalesce(ip_bytes_rcvd_number, if(isNull(ip_bytes_sent_number), bytes_rcvd_number, 0))) AS bytes_total,
    ip_bytes_sent_number AS orig_bytes,
    packets_sent_number AS sent_packets,
    packets_rcvd_number AS rcvd_packets,
    process_name_text AS process_name,
    lower(service_text) AS service,
    lasted AS duration,
    CAST(multiIf(conn_state_text IN ('S1', 'SF', 'S2', 'S3', 'RSTO', 'RSTR'), true, conn_state_text IN ('S0', 'REJ', 'RSTOS0', 'SH'), false, was_answered) AS Nullable(Bool)) AS answered,
    match(lower(action_text), '^(block|blocked|deny|denied|drop|dropped|refused|reject|rejected)$') AS denied,
    lower(proto_text) IN ('tcp', '6') AND history_text != '' AND NOT match(history_text, '[Ss]') AND conn_state_text NOT IN ('S0', 'REJ', 'RSTOS0', 'SH', 'RSTRH') AS continues
  FROM typed
)
SELECT src_ip, dst_ip, dst_port,
  sum(conns) AS connections, uniqExact(dst_port) AS unique_ports,
  toDateTime64(min(start), 3, 'UTC') AS first_seen, toDateTime64(max(start), 3, 'UTC') AS last_seen
FROM connections
WHERE dst_port IN (1080, 4444, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697)
GROUP BY src_ip, dst_ip, dst_port
HAVING connections > 0
ORDER BY connections DESC, src_ip, dst_ip, dst_port
