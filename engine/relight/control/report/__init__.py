"""The report of a run: one document of everything that its journal tells, and that document as words.

What does not belong here: doors, files and the terminal; and whatever is no fact, such as why something happened.
"""

from relight.control.report.document import report_document
from relight.control.report.rehearsed import Rehearse, in_simulation_of
from relight.control.report.words import report_body, report_html, report_markdown

__all__ = ["Rehearse", "in_simulation_of", "report_body", "report_document", "report_html", "report_markdown"]
