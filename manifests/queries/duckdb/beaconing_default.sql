-- Botnet beaconing (T1584.005), profile default, over a relation named conn: start in epoch seconds, one row a
-- connection (columns: docs/logs.md). Destinations: globally routable. Absent byte counters are unknown: averages and totals are then null.
WITH aggregates AS (
  WITH events AS (
    SELECT *, floor(start / 3600)::BIGINT AS hour_no,
      0 AS window_no
    FROM conn
    WHERE start IS NOT NULL
      AND coalesce(proto, '') NOT IN ('icmp', 'icmp6', 'icmpv6', 'ipv6-icmp')
  ), counted AS (
    SELECT * FROM events
    WHERE window_no IS NOT NULL
    QUALIFY NOT continues OR row_number() OVER (
      PARTITION BY window_no, src_ip, src_port, dst_ip, dst_port, proto ORDER BY start, continues) = 1
  ), tuples AS MATERIALIZED (
    SELECT *, try_cast(split_part(dst_ip, '.', 1) AS UTINYINT)::BIGINT * 16777216 + try_cast(split_part(dst_ip, '.', 2) AS UTINYINT)::BIGINT * 65536 + try_cast(split_part(dst_ip, '.', 3) AS UTINYINT)::BIGINT * 256 + try_cast(split_part(dst_ip, '.', 4) AS UTINYINT)::BIGINT * 1 AS dst_v4
    FROM (
      SELECT window_no, hostname, src_ip, dst_ip, dst_port,
        coalesce(sum(conns) FILTER (NOT denied), 0)::BIGINT AS connections,
        count(DISTINCT hour_no) FILTER (NOT denied) AS hourly_buckets,
        CASE WHEN count(*) FILTER (NOT denied) = count(bytes_sent) FILTER (NOT denied) THEN sum(bytes_sent) FILTER (NOT denied) END AS bytes_sent,
        CASE WHEN count(*) FILTER (NOT denied) = count(bytes_rcvd) FILTER (NOT denied) THEN sum(bytes_rcvd) FILTER (NOT denied) END AS bytes_rcvd,
        CASE WHEN count(*) FILTER (NOT denied) = count(bytes_total) FILTER (NOT denied) THEN sum(bytes_total) FILTER (NOT denied) END AS bytes_total,
        coalesce(min(start) FILTER (NOT denied), min(start)) AS first_seen, coalesce(max(start) FILTER (NOT denied), max(start)) AS last_seen,
        coalesce(sum(conns) FILTER (denied), 0)::BIGINT AS denied, count(DISTINCT hour_no) FILTER (denied) AS denied_hours,
        list(DISTINCT process_name) AS processes, list(DISTINCT service) AS services, list(DISTINCT proto) AS transports,
        CASE min(CASE WHEN dst_port = 123 THEN CASE WHEN orig_bytes + sent_packets + bytes_rcvd + rcvd_packets IS NULL THEN 0 WHEN orig_bytes BETWEEN 76 * sent_packets AND 116 * sent_packets AND bytes_rcvd BETWEEN 76 * rcvd_packets AND 116 * rcvd_packets THEN 2 ELSE 1 END END) FILTER (NOT denied) WHEN 2 THEN true WHEN 1 THEN false END AS ntp_sized
      FROM counted
      GROUP BY ALL
    )
    WHERE connections >= 20 AND hourly_buckets >= 3
      OR denied >= 20 AND denied_hours >= 3
  )
  SELECT * EXCLUDE (dst_v4) FROM tuples
  WHERE dst_v4 IS NULL OR (NOT (dst_v4 BETWEEN 0 AND 16777215
      OR dst_v4 BETWEEN 167772160 AND 184549375
      OR dst_v4 BETWEEN 1681915904 AND 1686110207
      OR dst_v4 BETWEEN 2130706432 AND 2147483647
      OR dst_v4 BETWEEN 2851995648 AND 2852061183
      OR dst_v4 BETWEEN 2886729728 AND 2887778303
      OR dst_v4 BETWEEN 3221225472 AND 3221225727
      OR dst_v4 BETWEEN 3221225984 AND 3221226239
      OR dst_v4 BETWEEN 3223307264 AND 3223307519
      OR dst_v4 BETWEEN 3224682752 AND 3224683007
      OR dst_v4 BETWEEN 3227017984 AND 3227018239
      OR dst_v4 BETWEEN 3232235520 AND 3232301055
      OR dst_v4 BETWEEN 3232706560 AND 3232706815
      OR dst_v4 BETWEEN 3323068416 AND 3323199487
      OR dst_v4 BETWEEN 3325256704 AND 3325256959
      OR dst_v4 BETWEEN 3405803776 AND 3405804031
      OR dst_v4 BETWEEN 3758096384 AND 4026531839
      OR dst_v4 BETWEEN 4026531840 AND 4294967295))
), outside AS (
  SELECT *, dst_port IN (1080, 4444, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697) AS irc FROM aggregates
  WHERE NOT contains(dst_ip, ':') OR regexp_matches(dst_ip, '^[23][0-9a-fA-F]{3}:') AND NOT regexp_matches(dst_ip, '^2001:0*[01]?[0-9a-fA-F]{1,2}:|^2001::|^2001:0*[dD][bB]8:|^2002:|^2620:0*4[fF]:8000:|^3[fF]{3}:0*[0-9a-fA-F]{1,3}:|^3[fF]{3}::')
), scored AS (
  -- In whole numbers: rounding to one decimal first, then "more than 10".
  SELECT *, CASE WHEN irc THEN 3
    WHEN 20 * connections >= 201 * hourly_buckets AND coalesce(2 * bytes_total < 999 * connections, false) THEN 2
    WHEN connections > 200 AND hourly_buckets >= 6 THEN 2
    WHEN connections > 100 THEN 1 ELSE 0 END AS points FROM outside
), fired AS (
  SELECT *, connections >= 20 AND hourly_buckets >= 3 AND points >= 1 AS fires FROM scored
), counted AS (
  -- Else it is 20 denied attempts in 3 hours, and the hours and the rate are theirs.
  SELECT *, CASE WHEN fires THEN connections ELSE denied END AS attempts,
    CASE WHEN fires THEN hourly_buckets ELSE denied_hours END AS hours,
    fires AND bytes_total IS NOT NULL AS known,
    CASE WHEN fires THEN points ELSE CASE WHEN irc THEN 3
    WHEN 20 * denied >= 201 * denied_hours AND coalesce(2 * NULL < 999 * denied, false) THEN 2
    WHEN denied > 200 AND denied_hours >= 6 THEN 2
    WHEN denied > 100 THEN 1 ELSE 0 END END AS beaconing_score
  FROM fired WHERE fires OR denied >= 20 AND denied_hours >= 3
)
SELECT
  hostname,
  src_ip,
  dst_ip,
  dst_port,
  connections,
  hours AS hourly_buckets,
  ((20 * attempts + hours) // (2 * hours)) / 10 AS avg_per_hour,
  CASE WHEN known THEN ((2 * bytes_total + connections) // (2 * connections)) END AS avg_bytes_per_conn,
  irc::INTEGER AS irc_port,
  beaconing_score,
  CASE WHEN known THEN bytes_sent END AS total_bytes_sent,
  CASE WHEN known THEN bytes_rcvd END AS total_bytes_rcvd,
  list_sort([name FOR name IN processes IF name != '']) AS processes,
  strftime(make_timestamp((floor(first_seen) * 1000000)::BIGINT), '%Y-%m-%d %H:%M:%S') AS first_seen,
  strftime(make_timestamp((floor(last_seen) * 1000000)::BIGINT), '%Y-%m-%d %H:%M:%S') AS last_seen,
  denied
FROM counted
ORDER BY beaconing_score DESC, connections DESC, hostname, src_ip, dst_ip, dst_port;
