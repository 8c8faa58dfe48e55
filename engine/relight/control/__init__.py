"""What a person may do to a run, and whether they may: the same for every door.

Identity at a door, one table of verbs and permissions, requests and their answers, and the documents that doors show.
What does not belong here: terminals, chat and pages, and rules about what may happen (the kernel's).
"""
