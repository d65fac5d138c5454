"""How far each step is from the plain query that does the same, in one run on one machine: `python -m bench`.

place, grown, inputs   where the data are, how they are made once and kept
measure                a way of doing a step in a process of its own: seconds, peak memory, answer
features ... gate      one file per step: ours, the limit, the usual alternative
rule_book, town        50 rules in both languages; people, consent and lists in a warehouse
table                  what is printed
"""
