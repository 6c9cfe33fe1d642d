"""The seed's aggregation over a Zeek conn.log with zat's reader and pandas; runs in the peers' own environment."""

import sys

from zat.log_to_dataframe import LogToDataFrame

IRC = {*range(6660, 6670), 6697, 1080, 4444}
KEY = ["id.orig_h", "id.resp_h", "id.resp_p"]


def main(path: str) -> int:
    """The number of tuples that fire."""
    columns = ["ts", *KEY, "orig_ip_bytes", "resp_ip_bytes"]
    frame = LogToDataFrame().create_dataframe(path, ts_index=False, usecols=columns)
    frame["hour"] = frame["ts"].dt.floor("h")
    frame["size"] = frame["orig_ip_bytes"].fillna(0).astype("int64") + frame["resp_ip_bytes"].fillna(0).astype("int64")
    grouped = (
        frame.groupby(KEY, observed=True)
        .agg(
            connections=("ts", "size"),
            hours=("hour", "nunique"),
            size=("size", "sum"),
            first=("ts", "min"),
            last=("ts", "max"),
        )
        .reset_index()
    )
    kept = grouped[(grouped.connections >= 20) & (grouped.hours >= 3)]
    kept = kept[~kept["id.resp_h"].astype(str).str.match(r"10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|127\.|169\.254\.")]
    fast = (kept.connections / kept.hours > 10) & (kept["size"] / kept.connections < 500)
    return int((kept["id.resp_p"].isin(IRC) | fast | (kept.connections > 100)).sum())


if __name__ == "__main__":
    print(main(sys.argv[1]))
