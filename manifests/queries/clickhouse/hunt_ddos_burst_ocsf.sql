WITH typed AS (
  SELECT
    toFloat64(raw.`time`) / if(match(toTypeName(raw.`time`), 'Date'), 1, 1000) AS start,
    if(match(toTypeName(raw.`src_endpoint`.`ip`), 'IPv6'), replaceRegexpOne(left(ifNull(toString(raw.`src_endpoint`.`ip`), ''), 64), '^::ffff:([0-9.]+)$', '\\1'), left(ifNull(toString(raw.`src_endpoint`.`ip`), ''), 64)) AS src_ip,
    if(match(toTypeName(raw.`dst_endpoint`.`ip`), 'IPv6'), replaceRegexpOne(left(ifNull(toString(raw.`dst_endpoint`.`ip`), ''), 64), '^::ffff:([0-9.]+)$', '\\1'), left(ifNull(toString(raw.`dst_endpoint`.`ip`), ''), 64)) AS dst_ip,
    assumeNotNull(accurateCastOrNull(raw.`dst_endpoint`.`port`, 'UInt16')) AS dst_port,
    '' AS hostname_text,
    if(lower(leftUTF8(toValidUTF8(ifNull(toString(raw.`connection_info`.`protocol_name`), '')), 1000)) IN ('', '-', 'unknown', 'null', '(empty)'), '', leftUTF8(toValidUTF8(ifNull(toString(raw.`connection_info`.`protocol_name`), '')), 1000)) AS proto_text,
    '' AS process_name_text,
    '' AS service_text,
    '' AS conn_state_text,
    '' AS history_text,
    if(lower(leftUTF8(toValidUTF8(ifNull(toString(raw.`action`), '')), 1000)) IN ('', '-', 'unknown', 'null', '(empty)'), '', leftUTF8(toValidUTF8(ifNull(toString(raw.`action`), '')), 1000)) AS action_text,
    if(accurateCastOrNull(raw.`src_endpoint`.`port`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`src_endpoint`.`port`, 'Int64'), NULL) AS src_port_number,
    CAST(NULL AS Nullable(Int64)) AS conns_number,
    if(accurateCastOrNull(raw.`traffic`.`bytes_out`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`traffic`.`bytes_out`, 'Int64'), NULL) AS bytes_sent_number,
    if(accurateCastOrNull(raw.`traffic`.`bytes_in`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`traffic`.`bytes_in`, 'Int64'), NULL) AS bytes_rcvd_number,
    CAST(NULL AS Nullable(Int64)) AS bytes_total_number,
    CAST(NULL AS Nullable(Int64)) AS ip_bytes_sent_number,
    CAST(NULL AS Nullable(Int64)) AS ip_bytes_rcvd_number,
    if(accurateCastOrNull(raw.`traffic`.`packets_out`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`traffic`.`packets_out`, 'Int64'), NULL) AS packets_sent_number,
    if(accurateCastOrNull(raw.`traffic`.`packets_in`, 'Int64') BETWEEN 0 AND 1000000000000000, accurateCastOrNull(raw.`traffic`.`packets_in`, 'Int64'), NULL) AS packets_rcvd_number,
    CAST(NULL AS Nullable(Float64)) AS lasted,
    CAST(multiIf(raw.`activity_id` IN (4, 5), 0, NULL) AS Nullable(Bool)) AS was_answered,
    CAST(NULL AS Nullable(Bool)) AS goes_on
  FROM `network_activity` AS raw
  WHERE toFloat64(raw.`time`) / if(match(toTypeName(raw.`time`), 'Date'), 1, 1000) >= toFloat64(now()) - 87300 AND toFloat64(raw.`time`) / if(match(toTypeName(raw.`time`), 'Date'), 1, 1000) < toFloat64(now()) - 900 AND raw.`class_uid` = 4001 AND raw.`activity_id` != 1 AND isNotNull(accurateCastOrNull(raw.`dst_endpoint`.`port`, 'UInt16'))
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
    bytes_sent_number AS bytes_sent,
    bytes_rcvd_number AS bytes_rcvd,
    coalesce(bytes_total_number, bytes_sent_number + bytes_rcvd_number) AS bytes_total,
    bytes_sent_number AS orig_bytes,
    packets_sent_number AS sent_packets,
    packets_rcvd_number AS rcvd_packets,
    process_name_text AS process_name,
    lower(service_text) AS service,
    lasted AS duration,
    was_answered AS answered,
    match(lower(action_text), '^(block|blocked|deny|denied|drop|dropped|refused|reject|rejected)$') AS denied,
    ifNull(goes_on, false) AS continues
  FROM typed
)
SELECT toDateTime(toInt64(floor(start / 900)) * 900, 'UTC') AS window_start, src_ip, dst_ip,
  sum(conns) AS connections, uniqExact(dst_port) AS unique_ports,
  unique_ports > 20 OR unique_ports > 0.5 * connections AS scan_indicator,
  toDateTime64(min(start), 3, 'UTC') AS first_seen, toDateTime64(max(start), 3, 'UTC') AS last_seen
FROM connections
GROUP BY window_start, src_ip, dst_ip
HAVING connections > 100
ORDER BY connections DESC, window_start, src_ip, dst_ip
