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
ORDER BY connections DESC, hostname, src_ip, dst_ip, dst_port;
