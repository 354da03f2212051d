"""Polars: lazy scans into partitioned Parquet sinks on the streaming engine, both tables in one run.

The sinks keep the order of their input, so that only what is not in time order is sorted: trades always, snapshots if shuffled.
"""

import peer_common as common

given = common.arguments()

import polars as pl  # noqa: E402  after the thread count is set

TRADES = {"ts_ns": pl.Int64, "symbol": pl.String, "price": pl.Float64, "qty": pl.Float64, "side": pl.String, "id": pl.Int64}
LADDER = pl.List(pl.List(pl.Float64))
MESSAGE = {"type": pl.String, "ts": pl.Int64, "symbol": pl.String, "bids": LADDER, "asks": LADDER,
           "side": pl.String, "price": pl.Float64, "amount": pl.Float64, "id": pl.String}


def from_csv():
    book = {"ts_ns": pl.Int64, "symbol": pl.String} | {name: pl.Float64 for name in common.BOOK_VALUES}
    return pl.scan_csv(f"{given.data}/orderbook.csv", schema=book), pl.scan_csv(f"{given.data}/trades.csv", schema=TRADES)


def from_ndjson():
    messages = pl.scan_ndjson(f"{given.data}/mixed.ndjson", schema=MESSAGE).rename({"ts": "ts_ns"})
    values = [
        pl.col(f"{side}s").list.get(level).list.get(at).alias(f"{side}_{part}_{level}")
        for side in ("bid", "ask") for at, part in enumerate(("px", "qty")) for level in range(common.LEVELS)
    ]
    book = messages.filter(pl.col("type") == "orderbook").select("ts_ns", "symbol", *values)
    trades = messages.filter(pl.col("type") == "trade")
    return book, trades.select("ts_ns", "symbol", "price", pl.col("amount").alias("qty"), "side", pl.col("id").cast(pl.Int64))


def sink(rows, table, in_order):
    if not in_order:
        rows = rows.sort("ts_ns", maintain_order=True)
    dated = rows.with_columns(pl.from_epoch("ts_ns", time_unit="ns").dt.date().alias("date"))
    target = pl.PartitionBy(f"{given.out}/{table}", key=["symbol", "date"], include_key=False, approximate_bytes_per_file=None)
    level = given.level if given.codec == "zstd" else None
    return dated.sink_parquet(target, compression=given.codec, compression_level=level, maintain_order=True, mkdir=True, lazy=True)


with common.Work() as work:
    book, trades = from_csv() if given.job == "import-csv" else from_ndjson()
    pl.collect_all([sink(book, "book", given.order == "time"), sink(trades, "trades", False)], engine="streaming")
common.finish("polars", given, work)
