"""pyarrow: streaming readers into partitioned Parquet datasets.

Snapshots that stand in time order flow from reader to writer; everything else is collected, sorted and written.
"""

import peer_common as common

given = common.arguments()

import pyarrow as pa  # noqa: E402  after the thread count is set
import pyarrow.compute as compute  # noqa: E402
import pyarrow.csv  # noqa: E402
import pyarrow.dataset as dataset  # noqa: E402
import pyarrow.json  # noqa: E402

BLOCK_BYTES = 8 << 20
KEYS = {"ts_ns": pa.int64(), "symbol": pa.string()}
BOOK = KEYS | {name: pa.float64() for name in common.BOOK_VALUES}
TRADES = KEYS | {"price": pa.float64(), "qty": pa.float64(), "side": pa.string(), "id": pa.int64()}
LADDER = pa.list_(pa.list_(pa.float64()))
MESSAGE = pa.schema({"type": pa.string(), "ts": pa.int64(), "symbol": pa.string(), "bids": LADDER, "asks": LADDER,
                     "side": pa.string(), "price": pa.float64(), "amount": pa.float64(), "id": pa.string()})


def dated(columns, names):
    """A batch of a table with the date behind its columns."""
    date = columns[0].cast(pa.timestamp("ns")).cast(pa.date32(), safe=False)
    return pa.RecordBatch.from_arrays([*columns, date], names=[*names, "date"])


def csv_batches(name, types):
    reader = pyarrow.csv.open_csv(
        f"{given.data}/{name}.csv",
        read_options=pyarrow.csv.ReadOptions(block_size=BLOCK_BYTES),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types),
    )
    for batch in reader:
        yield dated(batch.columns, types)


def book_of(batch):
    batch = batch.filter(compute.equal(batch["type"], "orderbook"))
    columns = [batch["ts"], batch["symbol"]]
    for side in ("bids", "asks"):
        levels = [compute.list_element(batch[side], level) for level in range(common.LEVELS)]
        columns += [compute.list_element(level, at) for at in (0, 1) for level in levels]
    return dated(columns, BOOK)


def trades_of(batch):
    batch = batch.filter(compute.equal(batch["type"], "trade"))
    values = [batch["price"], batch["amount"], batch["side"], batch["id"].cast(pa.int64())]
    return dated([batch["ts"], batch["symbol"], *values], TRADES)


def ndjson_books(trades):
    """Yields the snapshots of the mixed file; its trades go to the list, the file is read once."""
    reader = pyarrow.json.open_json(
        f"{given.data}/mixed.ndjson",
        read_options=pyarrow.json.ReadOptions(block_size=BLOCK_BYTES),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=MESSAGE, unexpected_field_behavior="error"),
    )
    for batch in reader:
        trades.append(trades_of(batch))
        yield book_of(batch)


def write(table, types, batches, in_order):
    schema = pa.schema(types | {"date": pa.date32()})
    if in_order:
        rows = pa.RecordBatchReader.from_batches(schema, batches)
    else:
        rows = pa.Table.from_batches(batches, schema=schema).sort_by("ts_ns")
    form = dataset.ParquetFileFormat()
    level = {"compression_level": given.level} if given.codec == "zstd" else {}
    dataset.write_dataset(
        rows, f"{given.out}/{table}", format=form, file_options=form.make_write_options(compression=given.codec, **level),
        partitioning=dataset.partitioning(pa.schema({"symbol": pa.string(), "date": pa.date32()}), flavor="hive"),
        preserve_order=True, max_partitions=4096, max_open_files=4096, min_rows_per_group=1 << 16, max_rows_per_group=1 << 18,
    )


pa.set_cpu_count(given.threads)
with common.Work() as work:
    if given.job == "import-csv":
        books, trades = csv_batches("orderbook", BOOK), csv_batches("trades", TRADES)
    else:
        trades = []
        books = ndjson_books(trades)
    write("book", BOOK, books, given.order == "time")
    write("trades", TRADES, trades, False)
common.finish("pyarrow", given, work)
