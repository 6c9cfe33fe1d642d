SELECT window_start, src_ip, count() AS names, countIf(all_failed) AS failed_names,
  uniqExact(domain) AS domains, uniqExactIf(domain, all_failed) AS failed_domains
FROM (
  -- A name failed when every answer to it failed; a name asked for a thousand times is one name.
  SELECT toDateTime(toInt64(floor(start / 900)) * 900, 'UTC') AS window_start, src_ip, asked, min(failed) AS all_failed,
    arrayStringConcat(arraySlice(splitByChar('.', asked), if(match(asked, '[.](ac|co|com|edu|gov|net|org)[.][a-z]{2}$'), -3, -2)), '.') AS domain
  FROM (SELECT toFloat64(raw.`ts`) AS start, if(match(toTypeName(raw.`id_orig_h`), 'IPv6'), replaceRegexpOne(left(ifNull(toString(raw.`id_orig_h`), ''), 64), '^::ffff:([0-9.]+)$', '\\1'), left(ifNull(toString(raw.`id_orig_h`), ''), 64)) AS src_ip,
    trimRight(lower(leftUTF8(toValidUTF8(ifNull(toString(raw.`query`), '')), 1000)), '.') AS asked, ifNull(ifNull(raw.`rcode_name` = 'NXDOMAIN', false), false) AS failed
  FROM `zeek`.`dns` AS raw
  WHERE toFloat64(raw.`ts`) >= toFloat64(now()) - 87300 AND toFloat64(raw.`ts`) < toFloat64(now()) - 900)
  WHERE asked != '' AND NOT endsWith(asked, '.arpa')
  GROUP BY window_start, src_ip, asked
)
GROUP BY window_start, src_ip
HAVING failed_domains >= 30 AND 100 * failed_names >= 80 * names
ORDER BY failed_domains DESC, window_start, src_ip
