"""What a document means, and whether that can be meant: every rule is a function that files complaints.

A rule sees the typed document; what was wrong with its form has been reported and cut out before.
What does not belong here: anything that needs a site or a provider (that is the plan's), and any call outside.
"""
