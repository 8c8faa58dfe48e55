"""The one address of the practice site: it starts the parts, orders them about, and answers questions about them.

Everything that an operator of a real site could do by its tools can be done here, and nothing else.
What does not belong here: any idea of what should be done next.
"""
