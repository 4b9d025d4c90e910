"""What stops a training: conditions in a small safe language, and the breakpoints that count how often they hold.

`tokens` and `parse` read the text, `tree` is what it says, `evaluate` answers it at one step, `known` compares it with
what a model has, `recorded` asks it of all steps of a recording, `completion` helps to type it.
"""
