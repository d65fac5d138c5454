"""Keys that come more than once: of each day's versions the last one counts."""

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.table import Table
from audience.quality.admission import PLACE


def mark_newest(session: Backend, judged: ir.Table, table: Table) -> ir.Table:
    """The judged rows with `_is_newest`: whether a row is the last version of its key within its day.

    Takes  judged rows, kept: they are read twice. Most keys come once, so only the rows of the others are ranked.
    Gives  the same rows; a row that is refused is no version of anything, and counts as newest.
    """
    group = ("_day", *table.key)
    several = of_several(session, judged.filter(_._reason.isnull()), group)
    last_first = ibis.window(
        group_by=[several[c] for c in group],
        order_by=[ibis.desc(several._stream), ibis.desc(several._position.cast("int64"))],
    )
    ranked = several.select(*PLACE, version=ibis.row_number().over(last_first))
    older = keep(session, ranked.filter(_.version > 0).select(*PLACE, is_older=ibis.literal(True)))
    if not session.to_pyarrow(older.count()).as_py():
        return judged.mutate(_is_newest=ibis.literal(True))
    marked = judged.left_join(older, list(PLACE))
    return marked.select(*(judged[c] for c in judged.columns), _is_newest=older.is_older.isnull())


def of_several(session: Backend, rows: ir.Table, key: tuple[str, ...]) -> ir.Table:
    """The rows whose key other rows have, too, and few others: those whose hash is another key's.

    A hash is eight bytes, and rows that come twice are few: neither needs the memory that the keys of all rows need.
    """
    hashes = {f"_hash_{n}": _hash(rows[column].cast("string")) for n, column in enumerate(key)}
    repeated = rows.select(**hashes).group_by(*hashes).agg(rows=_.count()).filter(_.rows > 1).drop("rows")
    repeated = keep(session, repeated)
    if not session.to_pyarrow(repeated.count()).as_py():
        return rows.limit(0)
    return rows.semi_join(repeated, [made == repeated[name] for name, made in hashes.items()])


@ibis.udf.scalar.builtin(name="hash")
def _hash(value: dt.string) -> dt.uint64: ...  # type: ignore[empty-body, valid-type]
