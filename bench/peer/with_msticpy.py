"""msticpy's periodogram detector on every tuple of 20 connections or more; runs in the peers' own environment.

Reading is pandas with the columns named: the detector's own time is what is compared.
"""

import sys

import pandas
from msticpy.analysis.polling_detection import PeriodogramPollingDetector

KEY = ["id.orig_h", "id.resp_h", "id.resp_p"]


def main(path: str) -> int:
    """The number of tuples with p < 0.01."""
    with open(path, encoding="utf-8") as log:
        names = next(line for line in log if line.startswith("#fields")).rstrip("\n").split("\t")[1:]
    frame = pandas.read_csv(path, sep="\t", comment="#", names=names, usecols=["ts", *KEY], na_values="-")
    detector = PeriodogramPollingDetector(frame)
    found = 0
    for _, times in frame.groupby(KEY)["ts"]:
        whole = times.astype("int64").sort_values().to_numpy()
        # It divides by zero when all connections fall into one second.
        if len(whole) >= 20 and whole[0] < whole[-1]:
            p_value = detector._detect_polling_arr(whole, int(whole[0]), int(whole[-1]))[0]
            found += p_value < 0.01
    return found


if __name__ == "__main__":
    print(main(sys.argv[1]))
