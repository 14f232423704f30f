"""Which cloud an appliance goes to, and why: the same answer before launching and after.

`choice` compares candidates (pure; `values`, `hurdles`, `money` and `quota` are its parts),
`gathering` reads what it needs from the rows and the settings, `spending` reckons what is left of
a budget, `commands` and `queries` are for people: terms, approvals, and the look beforehand.
"""

from cloudhands.common.placement.choice import choose, sentence_of_chosen
from cloudhands.common.placement.values import Candidate, Choice, Verdict, Wish

__all__ = ["Candidate", "Choice", "Verdict", "Wish", "choose", "sentence_of_chosen"]
