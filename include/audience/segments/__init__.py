"""Segments: the rule language, who is a member, since when, and why. Marketing owns the files; this room reads them.

columns      what a rule may ask about: features and scores
value        what a condition compares with, in the exact type of its column
rule         the tree: all, any, not, condition; and its truth table
strict_yaml  the subset of YAML that a segment file may use
segment      what a segment file declares
parse        a file's text -> Segment, or every problem in it (parse_rule: its `members`)
check        a folder of files -> segments, or every problem in them
people       the table that rules are asked about
compile      rule -> Ibis expression
evaluate     all segments in one pass over a partition
expectations what marketing expected and did not get
membership   members of a partition -> stays in the warehouse
why          one person against one rule, condition by condition
"""
