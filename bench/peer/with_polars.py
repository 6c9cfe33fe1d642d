"""The seed's detection over a Zeek conn.log with Polars, streaming, as a person would write it."""

import sys
from ipaddress import ip_address, ip_network
from typing import Any

import polars as pl

INSIDE = [ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")]
IRC = [*range(6660, 6670), 6697, 1080, 4444]


def main(path: str) -> int:
    """The number of tuples that fire."""
    with open(path, encoding="utf-8") as log:
        names = next(line for line in log if line.startswith("#fields")).rstrip("\n").split("\t")[1:]
    options: dict[str, Any] = {"separator": "\t", "has_header": False, "comment_prefix": "#", "quote_char": None}
    log_rows = pl.scan_csv(path, new_columns=names, infer_schema=False, null_values="-", **options)
    count, hours, size = pl.col("n"), pl.col("hours"), pl.col("bytes")
    sides = [pl.col(name).cast(pl.Int64).fill_null(0) for name in ("orig_ip_bytes", "resp_ip_bytes")]
    fired = (
        log_rows.group_by("id.orig_h", "id.resp_h", pl.col("id.resp_p").cast(pl.Int32).alias("port"))
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            (pl.col("ts").cast(pl.Float64) / 3600).floor().n_unique().cast(pl.Int64).alias("hours"),
            (sides[0] + sides[1]).sum().alias("bytes"),
        )
        .filter((count >= 20) & (hours >= 3))
        .filter(pl.col("port").is_in(IRC) | (count > 100) | ((20 * count >= 201 * hours) & (2 * size < 999 * count)))
        .select("id.resp_h")
        .collect(engine="streaming")
    )
    return sum(not any(ip_address(dst) in network for network in INSIDE) for dst in fired["id.resp_h"])


if __name__ == "__main__":
    print(main(sys.argv[1]))
