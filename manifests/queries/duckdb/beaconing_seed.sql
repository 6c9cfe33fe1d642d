-- Botnet beaconing (T1584.005), profile seed, over a relation named conn: start in epoch seconds, one row a
-- connection (columns: docs/logs.md). Destinations: not RFC 1918, 127/8, 169.254/16. Absent byte counters count as 0.
WITH aggregates AS (
  WITH events AS (
    SELECT *, floor(start / 3600)::BIGINT AS hour_no,
      0 AS window_no
    FROM conn
    WHERE start IS NOT NULL
  ), counted AS (
    SELECT * FROM events
    WHERE window_no IS NOT NULL
  ), tuples AS MATERIALIZED (
    SELECT *, try_cast(split_part(dst_ip, '.', 1) AS UTINYINT)::BIGINT * 16777216 + try_cast(split_part(dst_ip, '.', 2) AS UTINYINT)::BIGINT * 65536 + try_cast(split_part(dst_ip, '.', 3) AS UTINYINT)::BIGINT * 256 + try_cast(split_part(dst_ip, '.', 4) AS UTINYINT)::BIGINT * 1 AS dst_v4
    FROM (
      SELECT window_no, hostname, src_ip, dst_ip, dst_port,
        coalesce(sum(conns), 0)::BIGINT AS connections,
        count(DISTINCT hour_no) AS hourly_buckets,
        sum(coalesce(bytes_sent, 0)) AS bytes_sent,
        sum(coalesce(bytes_rcvd, 0)) AS bytes_rcvd,
        sum(coalesce(bytes_total, coalesce(bytes_sent, 0) + coalesce(bytes_rcvd, 0))) AS bytes_total,
        coalesce(min(start), min(start)) AS first_seen, coalesce(max(start), max(start)) AS last_seen,
        0 AS denied, 0 AS denied_hours,
        list(DISTINCT process_name) AS processes, list(DISTINCT service) AS services, list(DISTINCT proto) AS transports,
        CASE min(CASE WHEN dst_port = 123 THEN CASE WHEN orig_bytes + sent_packets + bytes_rcvd + rcvd_packets IS NULL THEN 0 WHEN orig_bytes BETWEEN 76 * sent_packets AND 116 * sent_packets AND bytes_rcvd BETWEEN 76 * rcvd_packets AND 116 * rcvd_packets THEN 2 ELSE 1 END END) WHEN 2 THEN true WHEN 1 THEN false END AS ntp_sized
      FROM counted
      GROUP BY ALL
    )
    WHERE connections >= 20 AND hourly_buckets >= 3
      OR denied >= 20 AND denied_hours >= 3
  )
  SELECT * EXCLUDE (dst_v4) FROM tuples
  WHERE dst_v4 IS NULL OR NOT (dst_v4 BETWEEN 167772160 AND 184549375
      OR dst_v4 BETWEEN 2886729728 AND 2887778303
      OR dst_v4 BETWEEN 3232235520 AND 3232301055
      OR dst_v4 BETWEEN 2130706432 AND 2147483647
      OR dst_v4 BETWEEN 2851995648 AND 2852061183)
), outside AS (
  SELECT *, dst_port IN (1080, 4444, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697) AS irc FROM aggregates
  WHERE NOT contains(dst_ip, ':') OR true
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
  strftime(make_timestamp((floor(last_seen) * 1000000)::BIGINT), '%Y-%m-%d %H:%M:%S') AS last_seen
FROM counted
ORDER BY beaconing_score DESC, connections DESC, hostname, src_ip, dst_ip, dst_port;
