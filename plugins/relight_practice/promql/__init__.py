"""A documented part of PromQL over the site's own samples, with the answers that a real Prometheus gives.

Understood: numbers, selectors with ``= != =~ !~``, ranges (``[3s]``), ``+ - * / % ^``, comparisons with and without
``bool``, ``and or unless``, ``sum avg min max count`` with ``by`` or ``without``, ``rate increase delta irate``,
``sum avg min max count last`` ``_over_time``, ``abs clamp_min clamp_max absent scalar vector timestamp time``.
Not understood, and refused as ``bad_data``: ``offset``, ``@``, subqueries, ``on``, ``ignoring``, histograms, strings.
"""

from relight_practice.promql.answers import answer
from relight_practice.promql.evaluate import EvaluationError, evaluate
from relight_practice.promql.syntax import PromqlError, parse

__all__ = ["EvaluationError", "PromqlError", "answer", "evaluate", "parse"]
