-- Botnet beaconing (T1584.005), profile default, over the day that ended 15 minutes ago; times in UTC.
-- Destinations: globally routable. Absent byte counters are unknown: averages and totals are then null.
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
), resumed AS (
  SELECT * FROM connections
  WHERE (src_ip, src_port, dst_ip, dst_port, proto) GLOBAL IN (SELECT src_ip, src_port, dst_ip, dst_port, proto FROM connections WHERE continues)
  ORDER BY start, continues LIMIT 1 BY src_ip, src_port, dst_ip, dst_port, proto
), sessions AS (
  SELECT * FROM connections WHERE NOT continues
  UNION ALL
  SELECT * FROM resumed WHERE continues
)
SELECT
  hostname AS hostname,
  src_ip AS src_ip,
  dst_ip AS dst_ip,
  dst_port AS dst_port,
  connections AS connections,
  hours AS hourly_buckets,
  intDiv(20 * attempts + hours, 2 * hours) / 10 AS avg_per_hour,
  if(is_known, intDiv(2 * total_bytes + connections, 2 * connections), NULL) AS avg_bytes_per_conn,
  irc AS irc_port,
  points AS beaconing_score,
  if(is_known, total_sent, NULL) AS total_bytes_sent,
  if(is_known, total_rcvd, NULL) AS total_bytes_rcvd,
  arraySort(arrayFilter(x -> x != '', process_names)) AS processes,
  formatDateTime(toDateTime64(floor(first_at), 0, 'UTC'), '%Y-%m-%d %H:%i:%S') AS first_seen,
  formatDateTime(toDateTime64(floor(last_at), 0, 'UTC'), '%Y-%m-%d %H:%i:%S') AS last_seen,
  denied_attempts AS denied
FROM (
  -- Else it is 20 denied attempts in 3 hours, and the hours and the rate are theirs.
  SELECT *, if(fires, connections, denied_attempts) AS attempts, if(fires, hourly_buckets, denied_hours) AS hours,
    fires AND isNotNull(total_bytes) AS is_known,
    if(fires, own_points, multiIf(irc, 3, 20 * denied_attempts >= 201 * denied_hours AND ifNull(2 * NULL < 999 * denied_attempts, false), 2, denied_attempts > 200 AND denied_hours >= 6, 2, denied_attempts > 100, 1, 0)) AS points
  FROM (
    SELECT *, dst_port IN (1080, 4444, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697) AS irc, multiIf(irc, 3, 20 * connections >= 201 * hourly_buckets AND ifNull(2 * total_bytes < 999 * connections, false), 2, connections > 200 AND hourly_buckets >= 6, 2, connections > 100, 1, 0) AS own_points,
      connections >= 20 AND hourly_buckets >= 3 AND own_points >= 1 AS fires
    FROM (
SELECT hostname, src_ip, dst_ip, dst_port,
  sumIf(conns, NOT denied) AS connections,
  uniqExactIf(toInt64(floor(start / 3600)), NOT denied) AS hourly_buckets,
  if(countIf(NOT denied) > 0 AND countIf(NOT denied AND isNull(bytes_sent)) = 0, sumIf(toInt128(ifNull(bytes_sent, 0)), NOT denied), NULL) AS total_sent,
  if(countIf(NOT denied) > 0 AND countIf(NOT denied AND isNull(bytes_rcvd)) = 0, sumIf(toInt128(ifNull(bytes_rcvd, 0)), NOT denied), NULL) AS total_rcvd,
  if(countIf(NOT denied) > 0 AND countIf(NOT denied AND isNull(bytes_total)) = 0, sumIf(toInt128(ifNull(bytes_total, 0)), NOT denied), NULL) AS total_bytes,
  if(countIf(NOT denied) > 0, minIf(start, NOT denied), min(start)) AS first_at,
  if(countIf(NOT denied) > 0, maxIf(start, NOT denied), max(start)) AS last_at,
  sumIf(conns, denied) AS denied_attempts, uniqExactIf(toInt64(floor(start / 3600)), denied) AS denied_hours,
  groupUniqArray(1000)(process_name) AS process_names,
  groupUniqArray(1000)(service) AS services,
  groupUniqArray(1000)(proto) AS protos,
  if(dst_port = 123 AND countIf(NOT denied) > 0, minIf(multiIf(isNull(orig_bytes + sent_packets + bytes_rcvd + rcvd_packets), 0, orig_bytes BETWEEN 76 * sent_packets AND 116 * sent_packets AND bytes_rcvd BETWEEN 76 * rcvd_packets AND 116 * rcvd_packets, 2, 1), NOT denied), 0) AS ntp
FROM (
  SELECT *, IPv4StringToNumOrNull(dst_ip) AS dst_v4 FROM sessions
)
WHERE (isNull(dst_v4) OR NOT (dst_v4 BETWEEN 0 AND 16777215 OR dst_v4 BETWEEN 167772160 AND 184549375 OR dst_v4 BETWEEN 1681915904 AND 1686110207 OR dst_v4 BETWEEN 2130706432 AND 2147483647 OR dst_v4 BETWEEN 2851995648 AND 2852061183 OR dst_v4 BETWEEN 2886729728 AND 2887778303 OR dst_v4 BETWEEN 3221225472 AND 3221225727 OR dst_v4 BETWEEN 3221225984 AND 3221226239 OR dst_v4 BETWEEN 3223307264 AND 3223307519 OR dst_v4 BETWEEN 3224682752 AND 3224683007 OR dst_v4 BETWEEN 3227017984 AND 3227018239 OR dst_v4 BETWEEN 3232235520 AND 3232301055 OR dst_v4 BETWEEN 3232706560 AND 3232706815 OR dst_v4 BETWEEN 3323068416 AND 3323199487 OR dst_v4 BETWEEN 3325256704 AND 3325256959 OR dst_v4 BETWEEN 3405803776 AND 3405804031 OR dst_v4 BETWEEN 3758096384 AND 4026531839 OR dst_v4 BETWEEN 4026531840 AND 4294967295)) AND proto NOT IN ('icmp', 'icmp6', 'icmpv6', 'ipv6-icmp')
GROUP BY hostname, src_ip, dst_ip, dst_port
HAVING connections >= 20 AND hourly_buckets >= 3
    AND (dst_port IN (1080, 4444, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697) OR connections > 100
      OR connections > 10 * hourly_buckets)
  OR denied_attempts >= 20 AND denied_hours >= 3
    )
    WHERE position(dst_ip, ':') = 0 OR match(dst_ip, '^[23][0-9a-fA-F]{3}:') AND NOT match(dst_ip, '^2001:0*[01]?[0-9a-fA-F]{1,2}:') AND NOT match(dst_ip, '^2001::') AND NOT match(dst_ip, '^2001:0*[dD][bB]8:') AND NOT match(dst_ip, '^2002:') AND NOT match(dst_ip, '^2620:0*4[fF]:8000:') AND NOT match(dst_ip, '^3[fF]{3}:0*[0-9a-fA-F]{1,3}:') AND NOT match(dst_ip, '^3[fF]{3}::')
  )
  WHERE fires OR denied_attempts >= 20 AND denied_hours >= 3
)
ORDER BY points DESC, connections DESC, hostname, src_ip, dst_ip, dst_port
