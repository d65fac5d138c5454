"""Guesses of what people did not tell: beside what is known, never in its place, and always flagged.

declaration  which columns, by which strategy, and which never
learning     fits the imputers on the known values of one day
stored       which imputers a day uses: kept in the lake in the skops format
filling      the imputers of a day applied to everyone, in batches            -> imputed
compare      the error of each strategy on values that were masked
"""
