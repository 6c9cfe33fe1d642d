SELECT make_timestamp((floor(start / 900) * 900 * 1000000)::BIGINT) AS window_start, src_ip, dst_ip,
  sum(conns)::BIGINT AS connections, count(DISTINCT dst_port) AS unique_ports,
  (unique_ports > 20 OR unique_ports > 0.5 * connections)::INTEGER AS scan_indicator,
  make_timestamp((min(start) * 1000000)::BIGINT) AS first_seen,
  make_timestamp((max(start) * 1000000)::BIGINT) AS last_seen
FROM conn
WHERE start IS NOT NULL
GROUP BY ALL
HAVING sum(conns) > 100
ORDER BY connections DESC, window_start, src_ip, dst_ip
