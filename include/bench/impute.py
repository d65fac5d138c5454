"""Imputing: how far each way's guesses are from real values that were masked, and the time beside plain scikit-learn."""

import sys
import tempfile
import warnings
from typing import TYPE_CHECKING, Any

from bench.measure import Step, Stopwatch, equal, run
from bench.place import DAY, Place

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd
    from ibis.backends.duckdb import Backend

HOUSEHOLDS = """
with bought as (
    select household_id, count(distinct basket_id) as orders, sum(sales_value) as spend,
           sum(retail_disc + coupon_disc + coupon_match_disc) as discount,
           count(distinct basket_id) filter (coupon_disc > 0) as with_coupon,
           count(distinct department) filter (transaction_timestamp >= '2017-10-01') as categories
    from read_parquet('{real}/transactions.parquet') join read_parquet('{real}/products.parquet') using (product_id)
    group by household_id
)
select md5(household_id::varchar) as person_id, true as is_customer, orders as orders_365d,
       spend::decimal(18, 2) as spend_365d_eur, round(spend / orders, 2) as basket_365d_eur,
       round(discount / (spend + discount), 4) as discount_share_90d, with_coupon as coupon_orders_365d,
       categories as categories_90d, income as income_band, kids_count as kids,
       case age when '19-24' then 22 when '25-34' then 30 when '35-44' then 40 when '45-54' then 50
                when '55-64' then 60 when '65+' then 70 end as age_years
from bought left join read_parquet('{real}/demographics.parquet') using (household_id)
"""
"""2,469 real households of a grocer, with what they bought in 2017; 801 of them told their income, children and age (a
band, taken at its middle). Discounts are those of the year."""


def measure_impute(place: Place) -> Step:
    """Learns the imputers and fills a day; what the guesses are worth is a table of its own, on stderr."""
    for line in run(errors, place).answer:
        sys.stderr.write(f"    {line}\n")
    mine, plain = run(ours, place), run(scikit_learn, place)
    equal("impute", mine, plain)
    guessed = ", ".join(f"{column} {count:,}" for column, count, _ in mine.answer)
    return Step("impute", f"{_people(place):,} people; guessed: {guessed}", mine, plain, "scikit-learn in one frame")


def errors(_place: Place, watch: Stopwatch) -> object:
    """Strategy, column and error on masked values of real households, as lines."""
    import ibis

    from audience.core.engine import engine
    from audience.core.tables import FEATURES
    from audience.features.imputing.compare import compare
    from sandbox.world.real import data_folder

    with engine() as session:
        session.raw_sql(f"create table households as {HOUSEHOLDS.format(real=data_folder())}")
        told = session.table("households")
        unknown = {
            c.name: (ibis.literal(0) if c.required else ibis.null("string")).cast(c.ibis_type)
            for c in FEATURES.columns
            if c.name not in told.columns
        }
        with watch.lap():
            found = compare(session, FEATURES.conform(told.mutate(**unknown)))
    return [
        f"{m.rule.column:12} {m.rule.strategy:14} {m.error:7.3f} +- {m.spread:.3f} {m.unit}, {m.masked} masked"
        + "".join(f", {word}" for word, holds in (("proposed", m.is_proposed), ("declared", m.is_declared)) if holds)
        for m in found
    ]


def ours(place: Place, watch: Stopwatch) -> object:
    import skops.io  # noqa: F401 - what is imported is no part of a lap

    import audience.features.imputing.learning  # noqa: F401
    from audience.core.engine import engine
    from audience.core.lake import Lake
    from audience.core.tables import FEATURES, IMPUTED
    from audience.features.imputing.filling import fill
    from audience.features.imputing.stored import learn

    answer: object = None
    with engine() as session:
        while watch.again():
            with tempfile.TemporaryDirectory() as folder:
                lake = Lake.at(folder)
                lake.write(session, FEATURES, DAY, _features(session, place))
                with watch.lap():
                    learn(lake, session, DAY.previous, lake.read(session, FEATURES, DAY))
                    fill(lake, session, DAY)
                answer = _answer(session.to_pyarrow(lake.read(session, IMPUTED, DAY)).to_pandas())
    return answer


def scikit_learn(place: Place, watch: Stopwatch) -> object:
    """The same imputers by hand: everybody in one frame, fitted on as many people, the result written to a file."""
    from pathlib import Path

    from audience.core.engine import engine
    from audience.core.tables import FEATURES
    from audience.features.imputing import learning  # noqa: F401 - as for ours

    answer: object = None
    with engine() as session, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "features.parquet"
        session.to_parquet(FEATURES.conform(_features(session, place)).order_by("person_id"), file)
        while watch.again():
            with watch.lap():
                found = _by_hand(file)
                found.to_parquet(Path(folder) / "imputed.parquet")
            answer = _answer(found)
    return answer


def _by_hand(file: Any) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401 (scikit-learn asks for it)
    from sklearn.impute import IterativeImputer, SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from audience.features.imputing.declaration import DECLARED, SCALES
    from audience.features.imputing.learning import MOST, ROUNDS

    people = pd.read_parquet(file)
    columns: dict[str, Any] = {"person_id": people["person_id"]}
    for rule in DECLARED:
        beside = [_scaled(people[c]) if c in SCALES else np.arcsinh(_scaled(people[c])) for c in rule.beside]
        matrix = np.column_stack([_scaled(people[rule.column]), *beside])
        told = ~np.isnan(matrix[:, 0])
        learnt_from = matrix[told][: MOST[rule.strategy]]
        imputer = (
            IterativeImputer(Ridge(), max_iter=ROUNDS, random_state=0)
            if rule.strategy == "iterative"
            else SimpleImputer(strategy=rule.strategy)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # as many rounds as ours
            pipeline = make_pipeline(StandardScaler(), imputer).fit(learnt_from)
        scaler = pipeline[0]
        low, high = learnt_from[:, 0].min(), learnt_from[:, 0].max()
        guess = np.round(
            np.clip(pipeline.transform(matrix[~told])[:, 0] * scaler.scale_[0] + scaler.mean_[0], low, high)
        )
        values = np.asarray(SCALES[rule.column], dtype=object)[guess.astype(int)] if rule.column in SCALES else guess
        filled = people[rule.column].astype(object).to_numpy(copy=True)
        filled[~told] = values
        columns |= {rule.filled: filled, rule.flag: ~told}
    return pd.DataFrame(columns)


def _scaled(column: "pd.Series") -> "np.ndarray":
    """Numbers as they are, texts as the steps of their scale."""
    from audience.features.imputing.declaration import SCALES
    from audience.features.imputing.learning import codes

    return codes(column, SCALES[str(column.name)]) if column.name in SCALES else column.astype("float64").to_numpy()


def _features(session: "Backend", place: Place) -> "ir.Table":
    """People of the benchmark, of whom a third told no income, a seventh no age and a fifth no children."""
    from audience.core.tables import FEATURES

    people = session.read_parquet(place.file("people")).select(*FEATURES.names)
    number = people.person_id.hash().abs()
    return people.mutate(
        age_years=(number % 7 == 0).ifelse(None, people.age_years), kids=(number % 5 == 0).ifelse(None, people.kids)
    )


def _answer(imputed: "pd.DataFrame") -> list[tuple[str, int, str]]:
    """Of each column the number of guesses, and each guess with how often it was made."""
    from audience.features.imputing.declaration import DECLARED

    found = []
    for rule in DECLARED:
        guesses = imputed.loc[imputed[rule.flag].astype(bool), rule.filled]
        counted = guesses.map(lambda value: value if isinstance(value, str) else int(value)).value_counts()
        found.append((rule.column, len(guesses), str(sorted(counted.items()))))
    return found


def _people(place: Place) -> int:
    import pyarrow.parquet as pq

    return int(pq.ParquetFile(place.file("people")).metadata.num_rows)
