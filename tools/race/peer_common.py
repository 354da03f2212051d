"""What the peer scripts of `cargo tools race` share: the command line, the columns, the clock and the one line they print.

A script turns raw text into Parquet: OUT/book and OUT/trades, a folder `symbol=S/date=D` each partition, rows by `ts_ns`. It prints one
line of JSON: who it is, seconds of wall and CPU time of the work alone, peak resident bytes, and what stands in its files when they are
read back. The clock runs neither while Python starts and imports nor while the result is checked.
"""

import argparse
import glob
import json
import os
import resource
import time

LEVELS = 10
# As the generator writes them: all prices of a side, then all its sizes.
BOOK_VALUES = [f"{side}_{part}_{level}" for side in ("bid", "ask") for part in ("px", "qty") for level in range(LEVELS)]


def arguments():
    """The command line. Sets the thread counts that libraries read while they are imported."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--job", required=True, choices=["import-csv", "import-ndjson"])
    parser.add_argument("--data", required=True, help="folder of the raw files")
    parser.add_argument("--out", required=True, help="folder of the result, empty or absent")
    parser.add_argument("--order", required=True, choices=["time", "shuffled"], help="how the snapshots stand in their file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--codec", default="zstd", choices=["zstd", "lz4"])
    parser.add_argument("--level", type=int, default=1, help="level of zstd")
    parser.add_argument("--sorted", action="store_true", help="duckdb: partition by partition, so that files are in order")
    given = parser.parse_args()
    for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "ARROW_NUM_THREADS"):
        os.environ[name] = str(given.threads)
    os.makedirs(given.out, exist_ok=True)
    return given


class Work:
    """A `with` block whose wall and CPU time count; the peak of memory is taken at its end."""

    def __enter__(self):
        self.cpu_seconds = -cpu_seconds()
        self.seconds = -time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds += time.perf_counter()
        self.cpu_seconds += cpu_seconds()
        self.peak_rss_bytes = peak_rss_bytes()


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_rss_bytes():
    """The kernel's high-water mark of this program alone; `ru_maxrss` would begin with that of the process that started it."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise SystemExit("no VmHWM in /proc/self/status")


def read_back(folder):
    """Rows of a table, its partitions, and how many of them are not in time order over their files by name."""
    import pyarrow.compute as compute
    import pyarrow.parquet as parquet

    rows, unsorted = 0, 0
    partitions = sorted({os.path.dirname(path) for path in glob.glob(f"{folder}/*/*/*.parquet")})
    for partition in partitions:
        ordered, last = True, None
        for path in sorted(glob.glob(f"{partition}/*.parquet")):
            times = parquet.ParquetFile(path).read(columns=["ts_ns"]).column(0).combine_chunks()
            rows += len(times)
            if len(times) == 0:
                continue
            ordered &= last is None or last <= times[0].as_py()
            if len(times) > 1:
                ordered &= compute.all(compute.less_equal(times[:-1], times[1:])).as_py()
            last = times[-1].as_py()
        unsorted += not ordered
    return rows, len(partitions), unsorted


def finish(peer, given, work):
    """Reads the result back and prints the line."""
    book, trades = (read_back(os.path.join(given.out, table)) for table in ("book", "trades"))
    print(json.dumps({
        "peer": peer, "seconds": work.seconds, "cpu_seconds": work.cpu_seconds,
        "peak_rss_bytes": work.peak_rss_bytes, "book_rows": book[0], "trades_rows": trades[0],
        "partitions": book[1] + trades[1], "unsorted_partitions": book[2] + trades[2],
    }))
