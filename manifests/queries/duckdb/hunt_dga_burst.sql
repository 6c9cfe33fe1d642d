WITH names AS (
  SELECT make_timestamp((floor(start / 900) * 900 * 1000000)::BIGINT) AS window_start, src_ip, query, domain, bool_and(failed) AS failed
  FROM dns
  WHERE start IS NOT NULL AND query != '' AND query NOT LIKE '%.arpa'
  GROUP BY ALL
)
SELECT window_start, src_ip, count(*) AS names, count(*) FILTER (failed) AS failed_names,
  count(DISTINCT domain) AS domains, count(DISTINCT domain) FILTER (failed) AS failed_domains
FROM names
GROUP BY ALL
HAVING failed_domains >= 30 AND failed_names >= 0.8 * names
ORDER BY failed_domains DESC, window_start, src_ip
