"""DuckDB: COPY into partitioned Parquet.

Plain: one COPY a table with PARTITION_BY and ORDER BY. With more than one thread DuckDB does not promise that the files of a partition keep
the order; the check says whether they did. With --sorted: a table in memory first, then one ordered COPY a partition.
"""

import os

import peer_common as common

given = common.arguments()

import duckdb  # noqa: E402  after the thread count is set

DATE = "make_timestamp_ns(ts_ns)::DATE AS date"
TRADES = {"ts_ns": "BIGINT", "symbol": "VARCHAR", "price": "DOUBLE", "qty": "DOUBLE", "side": "VARCHAR", "id": "BIGINT"}
KEYS = {"type": "VARCHAR", "ts": "BIGINT", "symbol": "VARCHAR"}


def struct(types):
    return "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in types.items()) + "}"


def csv(name, types):
    return f"SELECT *, {DATE} FROM read_csv('{given.data}/{name}.csv', header=true, auto_detect=false, delim=',', columns={struct(types)})"


def ndjson(kind, extra, values):
    # Each table reads the file with its own columns: what it does not name is skipped, not parsed.
    source = f"read_ndjson('{given.data}/mixed.ndjson', columns={struct(KEYS | extra)})"
    return f"SELECT *, {DATE} FROM (SELECT ts AS ts_ns, symbol, {values} FROM {source} WHERE type = '{kind}')"


def queries():
    if given.job == "import-csv":
        book = {"ts_ns": "BIGINT", "symbol": "VARCHAR"} | {name: "DOUBLE" for name in common.BOOK_VALUES}
        return {"book": csv("orderbook", book), "trades": csv("trades", TRADES)}
    cells = ", ".join(
        f"{side}s[{level + 1}][{at}] AS {side}_{part}_{level}"
        for side in ("bid", "ask") for at, part in ((1, "px"), (2, "qty")) for level in range(common.LEVELS)
    )
    trade = {"side": "VARCHAR", "price": "DOUBLE", "amount": "DOUBLE", "id": "VARCHAR"}
    return {
        "book": ndjson("orderbook", {"bids": "DOUBLE[][]", "asks": "DOUBLE[][]"}, cells),
        "trades": ndjson("trade", trade, "price, amount AS qty, side, id::BIGINT AS id"),
    }


def copy_at_once(database, table, query, form):
    target = f"'{given.out}/{table}' ({form}, PARTITION_BY (symbol, date))"
    database.execute(f"COPY ({query} ORDER BY symbol, date, ts_ns) TO {target}")


def copy_by_partition(database, table, query, form):
    database.execute(f"CREATE TABLE {table} AS {query}")
    for symbol, date in database.execute(f"SELECT DISTINCT symbol, date FROM {table} ORDER BY ALL").fetchall():
        folder = f"{given.out}/{table}/symbol={symbol}/date={date}"
        os.makedirs(folder)
        rows = f"SELECT * EXCLUDE (symbol, date) FROM {table} WHERE symbol = '{symbol}' AND date = '{date}' ORDER BY ts_ns"
        database.execute(f"COPY ({rows}) TO '{folder}/0.parquet' ({form})")
    database.execute(f"DROP TABLE {table}")


with common.Work() as work:
    database = duckdb.connect()
    database.execute(f"SET threads = {given.threads}")
    database.execute(f"SET temp_directory = '{given.out}/scratch'")
    database.execute("SET partitioned_write_max_open_files = 2000")
    form = f"FORMAT parquet, COMPRESSION {given.codec}" + (f", COMPRESSION_LEVEL {given.level}" if given.codec == "zstd" else "")
    for table, query in queries().items():
        (copy_by_partition if given.sorted else copy_at_once)(database, table, query, form)
    database.close()
common.finish("duckdb", given, work)
