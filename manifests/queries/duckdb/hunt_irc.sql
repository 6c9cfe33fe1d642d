SELECT src_ip, dst_ip, dst_port,
  sum(conns)::BIGINT AS connections, count(DISTINCT dst_port) AS unique_ports,
  make_timestamp((min(start) * 1000000)::BIGINT) AS first_seen,
  make_timestamp((max(start) * 1000000)::BIGINT) AS last_seen
FROM conn
WHERE start IS NOT NULL AND dst_port IN (1080, 4444, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697)
GROUP BY ALL
HAVING sum(conns) > 0
ORDER BY connections DESC, src_ip, dst_ip, dst_port
