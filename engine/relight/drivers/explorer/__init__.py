"""Every outcome of a plan, walked through with the production kernel, breadth first.

A state is a run without what no rule compares (``canonical``); what may come next is what world, people and time can do
(``moves``); what has to hold is worked out from facts and plan (``properties``), and never asked of the rules judged.
What does not belong here: any rule about what may happen, documents, and what people see.
"""
